//! A pack to begin with: small, checked, with cases for every rule it states on both sides.

use rescind_policy::document::FORMAT;

/// The files of a new pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starter {
    /// The pack.
    pub pack: String,
    /// Its cases.
    pub cases: String,
}

/// Why a name cannot be a policy's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a name of small letters, digits and hyphens that begins with a letter, such as my-acquirer, found {0:?}"
)]
pub struct BadName(String);

/// The longest name.
const NAME_BYTES: usize = 64;

impl Starter {
    /// A pack of that name.
    ///
    /// # Errors
    /// Not a name for a file and a policy.
    pub fn new(name: &str) -> Result<Self, BadName> {
        let fits = name.len() <= NAME_BYTES
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fits {
            return Err(BadName(name.to_owned()));
        }
        let fill = |text: &str| text.replace("{name}", name).replace("{format}", &FORMAT.to_string());
        Ok(Self { pack: fill(PACK), cases: fill(CASES) })
    }
}

const PACK: &str = include_str!("starter/pack.toml");
const CASES: &str = include_str!("starter/cases.toml");
