//! What a policy says apart from any one payment: its calendar, how long things live, and who may do what is rare.

use crate::business_day::Clock;
use crate::document::Document;
use rescind_model::{Duration, OfflineTerms, Role, Terms};

/// How long cases, grants and orders live if the policy does not say: a day.
const DAY: Duration = Duration { ms: 86_400_000 };

/// How long personal data is kept if the policy does not say: as long as the longest refund window of the packs, and a
/// month more.
const RETENTION_DAYS: u32 = 365;

/// Who decides referrals if the policy does not say.
const SUPPORT: &str = "support";

impl Document {
    /// Its local time and cut-off.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::new(self.time_zone, self.cut_off)
    }

    /// How long things live, and who may do what is rare.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let hold = self.hold.as_ref().filter(|rules| rules.enabled);
        let (support, legal) = (self.support.as_ref(), self.legal.as_ref());
        Terms {
            offline: self.offline.as_ref().map(|rules| OfflineTerms {
                max_records: rules.max_records,
                contact_lives: rules.contact_age.duration(),
                bundle_lives: rules.bundle_age.duration(),
            }),
            code_lives: self.code.as_ref().filter(|rules| rules.enabled).map(|rules| rules.time_to_live.duration()),
            hold_ceiling_percent: hold.map(|rules| rules.ceiling_percent),
            hold_lives: hold.map(|rules| rules.validity.duration()),
            support_roles: match support {
                Some(support) => support.roles.clone(),
                None => Role::parse(SUPPORT).into_iter().collect(),
            },
            legal_roles: legal.map(|legal| legal.roles.clone()).unwrap_or_default(),
            grant_lives: support.map_or(DAY, |support| support.grant_lives.duration()),
            case_lives: support.map_or(DAY, |support| support.case_lives.duration()),
            order_lives: legal.map_or(DAY, |legal| legal.order_lives.duration()),
            funding: self.refund.as_ref().and_then(|rules| rules.funding),
            retention_days: self.privacy.as_ref().map_or(RETENTION_DAYS, |privacy| privacy.retention_days),
        }
    }
}
