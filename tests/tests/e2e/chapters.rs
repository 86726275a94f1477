//! The chapters of the demo, each by itself. What they check is in `rescind_tests::chapter`.

use anyhow::{Context as _, Result, ensure};
use rescind_tests::chapter;
use rescind_tests::moment;
use rescind_tests::stage::Stage;
use rescind_tests::teller::Teller;

macro_rules! chapters {
    ($($name:ident: $chapter:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() -> Result<()> {
            moment::clear_of_the_cut_off(rescind_model::Duration::minutes(2)).await;
            let stage = Stage::open().await?;
            let mut teller = Teller::quiet();
            let told = chapter::$chapter::tell(&mut teller, &stage).await;
            told.with_context(|| teller.now())?;
            ensure!(teller.steps() > 2, "a chapter has several steps");
            Ok(())
        }
    )*};
}

chapters! {
    what_goes_wrong_at_the_till_is_told_apart_and_undone: till;
    a_code_is_cancelled_scanned_or_expires: code;
    a_hold_is_completed_kept_in_part_or_released: hold;
    support_grants_once_and_a_question_makes_consent_fall: support;
    a_legal_order_takes_two_persons_and_is_reported: order;
    nobody_passes_for_an_operator: operator;
    the_customer_agrees_by_code_or_card: customer;
    after_a_refund_nothing_is_left_open: after;
    what_is_personal_is_masked_and_erased: privacy;
    what_the_funds_do_not_reach_waits_its_turn: funding;
    a_terminal_goes_on_alone_and_the_server_agrees: offline;
    a_policy_is_tried_before_it_decides_and_every_decision_can_be_made_again: policy;
}
