//! Every state against every command, in one table each for voids and refunds.

use super::world::*;
use rescind_model::token::Token;
use rescind_model::*;

/// What a command did, in a word or two: the new state and the events, `=` for nothing at all, or the refusal.
fn told(world: &World, command: &Command, by: &Actor, state: fn(&Ledger) -> &'static str) -> String {
    match world.attempt(command, by) {
        Ok(next) if next.ledger == world.ledger => {
            assert_eq!(next.events, vec![]);
            "=".to_owned()
        }
        Ok(next) => {
            let mut words = vec![state(&next.ledger)];
            words.extend(next.events.iter().map(|event| event.kind.token()));
            words.join(" ")
        }
        Err(Rejection::WrongState(_)) => "wrong".to_owned(),
        Err(Rejection::Contradicts(_)) => "contradicts".to_owned(),
        Err(Rejection::NoSuchOperation) => "none".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

pub(super) fn check(
    table: &str,
    rows: &[(&str, World)],
    columns: &[(&str, Command, Actor)],
    state: fn(&Ledger) -> &'static str,
) {
    let mut lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let names: Vec<_> = columns.iter().map(|(name, _, _)| (*name).to_owned()).collect();
    assert_eq!(cells(lines.next().unwrap())[1..], names, "the columns of the table");
    let mut found = String::new();
    let mut wrong = false;
    for (name, world) in rows {
        let row: Vec<_> = columns.iter().map(|(_, command, by)| told(world, command, by, state)).collect();
        let expected = cells(lines.next().unwrap_or_default());
        wrong |= expected[0] != *name || expected[1..] != row;
        found.push_str(&format!("{name} | {}\n", row.join(" | ")));
    }
    assert!(!wrong && lines.next().is_none(), "found:\n{found}");
}

#[test]
fn every_state_of_a_void_against_every_command() {
    let start = |executor| {
        let mut world = World::new();
        world.authorise("V-1", executor);
        world
    };
    let then = |world: &World, act: &dyn Fn(&mut World)| {
        let mut next = world.clone();
        act(&mut next);
        next
    };
    let target = || void_target("V-1");
    let authorised = start(Executor::Courier);
    let at_terminal = start(Executor::Terminal);
    let sent = then(&authorised, &|world| {
        world.send(target());
    });
    let unknown = then(&sent, &|world| {
        world.unknown(target());
    });
    let reversing = then(&unknown, &|world| {
        world.queries(&target(), 6);
    });
    let attention = then(&reversing, &|world| {
        world.queries(&target(), 10);
    });
    let done = then(&sent, &|world| {
        world.done(target());
    });
    let failed = then(&sent, &|world| {
        world.failed(target());
    });
    let heard = |say: fn(Evidence) -> ResultOf| report(target(), say(evidence("x", at(SECOND))));
    let columns = [
        ("sent", Command::RecordSent(target()), Actor::System),
        ("done", heard(ResultOf::Done), Actor::System),
        ("failed", heard(ResultOf::Failed), Actor::System),
        ("unknown", heard(ResultOf::Unknown), Actor::System),
        ("reversed", heard(ResultOf::Reversed), Actor::System),
        ("query", Command::RecordQuery(target()), Actor::System),
        ("resolve", resolution(target(), true, "sven"), manager("mona")),
        ("time", Command::PassTime, Actor::System),
    ];
    let rows = [
        ("authorised", authorised),
        ("at-terminal", at_terminal),
        ("sent", sent),
        ("unknown", unknown),
        ("reversing", reversing),
        ("attention", attention),
        ("done", done),
        ("failed", failed),
    ];
    let table = "
                  | sent           | done           | failed             | unknown              | reversed           | query   | resolve        | time
        authorised  | sent void.sent | wrong          | wrong              | wrong                | wrong              | wrong   | wrong          | =
        at-terminal | sent void.sent | done void.done | failed void.failed | unknown void.unknown | failed void.failed | wrong   | wrong          | =
        sent        | =              | done void.done | failed void.failed | unknown void.unknown | failed void.failed | wrong   | wrong          | =
        unknown     | unknown        | done void.done | failed void.failed | =                    | failed void.failed | unknown | done void.done | =
        reversing   | unknown        | done void.done | failed void.failed | =                    | failed void.failed | unknown | wrong          | =
        attention   | =              | done void.done | failed void.failed | =                    | failed void.failed | unknown | done void.done | =
        done        | wrong          | =              | contradicts        | =                    | contradicts        | wrong   | wrong          | =
        failed      | wrong          | contradicts    | =                  | =                    | =                  | wrong   | wrong          | =
    ";
    check(table, &rows, &columns, |ledger| ledger.voids[0].state.token());
}

#[test]
fn every_state_of_a_refund_against_every_command() {
    let then = |world: &World, act: &dyn Fn(&mut World)| {
        let mut next = world.clone();
        act(&mut next);
        next
    };
    let target = || refund_target("R-1");
    let set = |world: &World, state| {
        let mut next = world.clone();
        next.ledger.refunds[0].state = state;
        next
    };
    let mut in_review = World::new();
    in_review.submit("R-1", 6_000, 1);
    let approved = then(&in_review, &|world| {
        world.act(&consent("R-1"), &manager("max"));
    });
    let clearing = then(&approved, &|world| {
        world.clear("R-1");
    });
    let unknown = then(&clearing, &|world| {
        world.unknown(target());
    });
    let cleared = then(&clearing, &|world| {
        world.done(target());
    });
    let failed = then(&clearing, &|world| {
        world.failed(target());
    });
    let declined = then(&in_review, &|world| {
        world.act(&Command::Decline(refusal("R-1", "x")), &manager("mona"));
    });
    let withdrawn = then(&in_review, &|world| {
        world.act(&Command::Withdraw(refusal("R-1", "x")), &rita());
    });
    let expired = then(&in_review, &|world| {
        world.wait(24 * HOUR);
        world.system(&Command::PassTime);
    });
    let rows = [
        ("submitted", set(&in_review, RefundState::Submitted)),
        ("in-review", in_review.clone()),
        ("needs-information", set(&in_review, RefundState::NeedsInformation)),
        ("approved", approved.clone()),
        ("queued", set(&approved, RefundState::Queued)),
        ("clearing", clearing),
        ("unknown", unknown),
        ("cleared", cleared),
        ("failed", failed),
        ("declined", declined),
        ("withdrawn", withdrawn),
        ("expired", expired),
    ];
    let id = || "R-1".parse().unwrap();
    let heard = |say: fn(Evidence) -> ResultOf| report(target(), say(evidence("x", at(SECOND))));
    let decisions = [
        ("approve", consent("R-1"), manager("mona")),
        ("decline", Command::Decline(refusal("R-1", "x")), manager("mona")),
        ("withdraw", Command::Withdraw(refusal("R-1", "x")), rita()),
        ("clear", Command::Clear(id()), Actor::System),
        ("retry", Command::Retry(id()), Actor::System),
        ("time", Command::PassTime, Actor::System),
    ];
    let table = "
                        | approve                                           | decline                  | withdraw                   | clear                    | retry                   | time
        submitted         | wrong                                             | wrong                    | withdrawn refund.withdrawn | wrong                    | wrong                   | =
        in-review         | approved refund.approval-given refund.approved    | declined refund.declined | withdrawn refund.withdrawn | wrong                    | wrong                   | =
        needs-information | wrong                                             | declined refund.declined | withdrawn refund.withdrawn | wrong                    | wrong                   | =
        approved          | wrong                                             | wrong                    | withdrawn refund.withdrawn | clearing refund.clearing | wrong                   | =
        queued            | wrong                                             | wrong                    | withdrawn refund.withdrawn | clearing refund.clearing | wrong                   | =
        clearing          | wrong                                             | wrong                    | wrong                      | wrong                    | wrong                   | =
        unknown           | wrong                                             | wrong                    | wrong                      | wrong                    | wrong                   | =
        cleared           | wrong                                             | wrong                    | wrong                      | wrong                    | wrong                   | =
        failed            | wrong                                             | wrong                    | wrong                      | wrong                    | clearing refund.retried | =
        declined          | wrong                                             | wrong                    | wrong                      | wrong                    | wrong                   | =
        withdrawn         | wrong                                             | wrong                    | wrong                      | wrong                    | wrong                   | =
        expired           | wrong                                             | wrong                    | wrong                      | wrong                    | wrong                   | =
    ";
    check(table, &rows, &decisions, |ledger| ledger.refunds[0].state.token());
    let outcomes = [
        ("sent", Command::RecordSent(target()), Actor::System),
        ("done", heard(ResultOf::Done), Actor::System),
        ("failed", heard(ResultOf::Failed), Actor::System),
        ("unknown", heard(ResultOf::Unknown), Actor::System),
        ("query", Command::RecordQuery(target()), Actor::System),
        ("resolve", resolution(target(), false, "sven"), manager("mona")),
    ];
    let table = "
                        | sent                     | done                   | failed               | unknown                | query   | resolve
        submitted         | wrong                    | wrong                  | wrong                | wrong                  | wrong   | wrong
        in-review         | wrong                    | wrong                  | wrong                | wrong                  | wrong   | wrong
        needs-information | wrong                    | wrong                  | wrong                | wrong                  | wrong   | wrong
        approved          | clearing refund.clearing | wrong                  | wrong                | wrong                  | wrong   | wrong
        queued            | wrong                    | wrong                  | wrong                | wrong                  | wrong   | wrong
        clearing          | clearing                 | cleared refund.cleared | failed refund.failed liability.opened | unknown refund.unknown | wrong   | wrong
        unknown           | unknown                  | cleared refund.cleared | failed refund.failed liability.opened | =                      | unknown | failed refund.resolved refund.failed liability.opened
        cleared           | wrong                    | =                      | contradicts          | =                      | wrong   | wrong
        failed            | wrong                    | contradicts            | =                    | =                      | wrong   | wrong
        declined          | wrong                    | contradicts            | wrong                | wrong                  | wrong   | wrong
        withdrawn         | wrong                    | contradicts            | wrong                | wrong                  | wrong   | wrong
        expired           | wrong                    | contradicts            | wrong                | wrong                  | wrong   | wrong
    ";
    check(table, &rows, &outcomes, |ledger| ledger.refunds[0].state.token());
    let ask = InformationRequest { refund: id(), question: Digest::of(b"which of two?") };
    let answer = Information { refund: id(), note: Some(Digest::of(b"the red one")), evidence: vec![] };
    let came_back = ReturnReport { id: "X-1".parse().unwrap(), refund: id(), evidence: evidence("R1", at(SECOND)) };
    let found = TraceReport { refund: id(), arrived: Some(true), evidence: evidence("T1", at(SECOND)) };
    let afterwards = [
        ("ask", Command::AskInformation(ask), manager("mona")),
        ("answer", Command::ProvideInformation(answer), rita()),
        ("queue", Command::Queue(id()), Actor::System),
        ("return", Command::ReportReturn(came_back), Actor::System),
        ("trace", Command::RequestTrace(id()), rita()),
        ("found", Command::ReportTrace(found), Actor::System),
    ];
    let table = "
                        | ask                                               | answer                             | queue                | return                                  | trace                          | found
        submitted         | wrong                                             | wrong                              | wrong                | wrong                                   | wrong                          | none
        in-review         | needs-information refund.information-asked        | wrong                              | wrong                | wrong                                   | wrong                          | none
        needs-information | wrong                                             | in-review refund.information-given | wrong                | wrong                                   | wrong                          | none
        approved          | wrong                                             | wrong                              | queued refund.queued | wrong                                   | wrong                          | none
        queued            | wrong                                             | wrong                              | =                    | wrong                                   | wrong                          | none
        clearing          | wrong                                             | wrong                              | wrong                | wrong                                   | wrong                          | none
        unknown           | wrong                                             | wrong                              | wrong                | wrong                                   | wrong                          | none
        cleared           | wrong                                             | wrong                              | wrong                | cleared refund.returned liability.opened | cleared refund.trace-requested | none
        failed            | wrong                                             | wrong                              | wrong                | wrong                                   | wrong                          | none
        declined          | wrong                                             | wrong                              | wrong                | wrong                                   | wrong                          | none
        withdrawn         | wrong                                             | wrong                              | wrong                | wrong                                   | wrong                          | none
        expired           | wrong                                             | wrong                              | wrong                | wrong                                   | wrong                          | none
    ";
    check(table, &rows, &afterwards, |ledger| ledger.refunds[0].state.token());
}

#[test]
fn every_state_of_a_case_against_every_command() {
    let then = |world: &World, act: &dyn Fn(&mut World)| {
        let mut next = world.clone();
        act(&mut next);
        next
    };
    let mut open = World::new();
    open.act(&open_case("C-1", Way::Void, 10_000), &rita());
    let assigned = then(&open, &|world| {
        world.act(&assign_case("C-1", "sue"), &person("sam", &["support"]));
    });
    let granted = then(&assigned, &|world| {
        world.act(&decide_case("C-1", true), &sue());
    });
    let refused = then(&open, &|world| {
        world.act(&decide_case("C-1", false), &sue());
    });
    let use_it = || Command::AuthoriseVoid(referred_void("V-1", "C-1"));
    let consumed = then(&granted, &|world| {
        world.act(&use_it(), &rita());
        world.send(void_target("V-1"));
        world.failed(void_target("V-1"));
    });
    let expired = then(&granted, &|world| {
        world.wait(HOUR);
        world.system(&Command::PassTime);
    });
    // Time is over, and no timer has run yet.
    let overdue = then(&open, &|world| world.wait(24 * HOUR));
    let lapsed = then(&granted, &|world| world.wait(HOUR));
    let rows = [
        ("open", open),
        ("assigned", assigned),
        ("granted", granted),
        ("refused", refused),
        ("consumed", consumed),
        ("expired", expired),
        ("overdue", overdue),
        ("lapsed", lapsed),
    ];
    let again = referred_void("V-2", "C-1");
    let columns = [
        ("assign", assign_case("C-1", "sven"), sue()),
        ("grant", decide_case("C-1", true), sue()),
        ("refuse", decide_case("C-1", false), sue()),
        ("use", Command::AuthoriseVoid(again), rita()),
        ("time", Command::PassTime, Actor::System),
    ];
    let table = "
                 | assign                 | grant                | refuse               | use                                   | time
        open     | assigned case.assigned | granted case.granted | refused case.refused | wrong                                 | =
        assigned | assigned case.assigned | granted case.granted | refused case.refused | wrong                                 | =
        granted  | wrong                  | wrong                | wrong                | consumed case.consumed void.authorised | =
        refused  | wrong                  | wrong                | wrong                | wrong                                 | =
        consumed | wrong                  | wrong                | wrong                | wrong                                 | =
        expired  | wrong                  | wrong                | wrong                | wrong                                 | =
        overdue  | wrong                  | wrong                | wrong                | wrong                                 | expired case.expired
        lapsed   | wrong                  | wrong                | wrong                | wrong                                 | expired case.expired
    ";
    check(table, &rows, &columns, |ledger| ledger.cases[0].state.token());
}
