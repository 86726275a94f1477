//! Every problem code: part of the API's contract. Programs decide by the code, people read title and detail.

/// A kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The stable code, also the last part of the problem's `type`.
    pub code: &'static str,
    /// The HTTP status it always comes with.
    pub status: u16,
    /// One line for people, the same for every occurrence.
    pub title: &'static str,
}

macro_rules! codes {
    ($($name:ident $status:literal $code:literal $title:literal;)*) => {
        $(#[doc = $title] pub const $name: Code = Code { code: $code, status: $status, title: $title };)*

        /// All of them, for the page at `/problems/{code}`, the OpenAPI document and the documentation.
        pub const ALL: &[Code] = &[$($name,)*];
    };
}

codes! {
    BODY_MALFORMED 400 "body.malformed" "The body is not JSON";
    PARAMETER_MALFORMED 400 "parameter.malformed" "A parameter or header is missing, unknown or unreadable";
    KEY_MISSING 400 "idempotency.key-missing" "This request needs an Idempotency-Key";
    KEY_MALFORMED 400 "idempotency.key-malformed" "The Idempotency-Key cannot be used";

    BATCH_MALFORMED 400 "batch.malformed" "This is no batch of a journal";
    BATCH_TRUNCATED 400 "batch.truncated" "This is a part of a batch";

    AUTH_REQUIRED 401 "auth.required" "A valid API key is required";
    AUTH_FORBIDDEN 403 "auth.forbidden" "This key's holder may not do that";
    NOT_PERMITTED 403 "approval.not-permitted" "This person must not do this to this operation";
    OPERATOR_REFUSED 403 "operator.refused" "The operator did not show who they are";
    PIN_MUST_CHANGE 403 "operator.pin-must-change" "Somebody else set this PIN: the operator has to choose another";
    PIN_EXPIRED 403 "operator.pin-expired" "Somebody else set this PIN too long ago";
    SESSION_ENDED 403 "session.ended" "There is no such operator session, or no longer";
    PROOF_INVALID 403 "proof.invalid" "The Operator-Proof is not genuine here";
    PROOF_EXPIRED 403 "proof.expired" "The Operator-Proof does not hold now";
    PROOF_OTHER_PERSON 403 "proof.other-person" "The Operator-Proof is another person's";
    PROOF_OTHER_OPERATION 403 "proof.other-operation" "The Operator-Proof was given for another operation";
    BATCH_SIGNATURE 403 "batch.signature" "The batch was altered, or is not signed by the terminal's key";
    BATCH_OWNER 403 "batch.owner" "The batch is another terminal's";

    NOT_FOUND 404 "not-found" "There is no such thing";
    BUNDLE_NONE 404 "bundle.none" "No bundle is published for this terminal";
    ROUTE_UNKNOWN 404 "route.unknown" "There is no such route";
    METHOD_NOT_ALLOWED 405 "method.not-allowed" "This route does not know that method";

    KEY_IN_FLIGHT 409 "idempotency.in-flight" "The first request with this Idempotency-Key is still under way";
    WEBHOOK_DIFFERS 409 "webhook.replayed-differently" "A webhook with this id came before, with another body";
    SALE_CONFLICT 409 "sale.conflict" "A different sale of that id is registered";
    REFUND_ID_TAKEN 409 "refund.id-taken" "There is another refund of that id";
    RECORD_FULL 409 "record.full" "The sale has too long a history for another operation";
    OPERATION_NOT_YOURS 409 "operation.not-yours" "Somebody else carries the operation out";
    ENDPOINTS_FULL 409 "endpoints.full" "There are as many webhook endpoints as there may be";
    KEY_LAST_ADMIN 409 "key.last-admin" "It is the last admin key";
    OPERATOR_HAS_NUMBER 409 "operator.has-number" "The person has an operator number at this merchant";
    NAME_TAKEN 409 "name.taken" "The name is taken";
    FEES_CHANGED 409 "fees.changed" "The fees are others than those that were seen";
    REFUND_CHANGED 409 "refund.changed" "The refund was changed since it was looked at";
    REFUND_WRONG_STATE 409 "refund.wrong-state" "The refund's state does not allow that";
    OPERATION_WRONG_STATE 409 "operation.wrong-state" "The operation's state does not allow that";
    SALE_WRONG_STATE 409 "sale.wrong-state" "The sale's state does not allow that";
    SALE_NOT_GOOD 409 "sale.not-good" "The sale is not known to be good";
    OUTCOME_CONTRADICTS 409 "outcome.contradicts" "The outcome contradicts one that is final";
    EVIDENCE_ERASED 409 "evidence.erased" "The content was erased and is not taken again";
    EVIDENCE_NEEDED 409 "evidence.needed" "An operation under way rests on the evidence";
    CONFIRMATION_NO_CONTACT 409 "confirmation.no-contact" "It is not known how the sale's customer is reached";
    CONFIRMATION_NO_CHANNEL 409 "confirmation.no-channel" "No webhook endpoint takes messages to customers";
    REVERSAL_OUTSTANDING 409 "terminal.reversal-outstanding" "The terminal has to report a reversal before its next sale";
    CODE_DISABLED 409 "code.disabled" "The merchant's policy knows no payment codes";
    HOLD_DISABLED 409 "hold.disabled" "The merchant's policy knows no holds";
    POLICY_VERSION_TAKEN 409 "policy.version-taken" "That version of the policy has another content";
    POLICY_NOT_EFFECTIVE 409 "policy.not-effective" "The document says that it is not in force then";
    POLICY_IN_FORCE 409 "policy.in-force" "The activation's time has come";
    POLICY_NOT_LOADED 409 "policy.not-loaded" "The document cannot be loaded by the component that decides here";
    POLICY_ACTIVATIONS 409 "policy.too-many-activations" "As many activations wait for their time as may";
    CHECKPOINT_NOT_YET 409 "checkpoint.not-yet" "No checkpoint commits to that yet";
    CHECKPOINT_DIFFERS 409 "checkpoint.differs" "What is stored is not what a checkpoint commits to";
    CHECKPOINT_KEYS_FULL 409 "checkpoint.keys-full" "As many keys signed checkpoints as may";
    CONFLICT 409 "conflict" "Something is in the way";
    CASE_NOT_NEEDED 409 "case.not-needed" "The policy allows it without support";
    CASE_WRONG_STATE 409 "case.wrong-state" "The case's state does not allow that";
    ORDER_WRONG_STATE 409 "order.wrong-state" "The legal order's state does not allow that";
    LIABILITY_WRONG_STATE 409 "liability.wrong-state" "The liability's state does not allow that";
    FUNDS_SHORT 409 "funds.short" "The merchant has no funds for it now";
    FUNDS_ID_TAKEN 409 "funds.id-taken" "Something else was paid in under that id";
    BUNDLE_NO_KEYS 409 "bundle.no-keys" "This deployment knows no keys for bundles of that name";
    BUNDLE_VERSION_TAKEN 409 "bundle.version-taken" "That version of the bundle has another content";
    BUNDLE_ROLLBACK 409 "bundle.rollback" "A newer version of the bundle is published";
    BUNDLE_TOO_MANY_ENGINES 409 "bundle.too-many-engines" "Bundles for as many engines are published as may be";
    BUNDLE_TOO_MANY_UPLOADS 409 "bundle.too-many-uploads" "Too many uploads of this line of bundles are under way";
    JOURNAL_NO_KEY 409 "journal.no-key" "No key is registered for the terminal's journal";
    JOURNAL_OPEN 409 "journal.open" "The terminal has records that are not dealt with";
    SYNC_IN_FLIGHT 409 "sync.in-flight" "Another sync of the terminal is under way";
    BATCH_JOURNAL 409 "batch.journal" "The batch is of another journal than the one that is known";
    BATCH_GAP 409 "batch.gap" "Records between what is known and the batch are missing";
    BATCH_FORK 409 "batch.fork" "The batch tells another story than the one that is known";

    BODY_TOO_LARGE 413 "body.too-large" "The body is too large";
    POLICY_SOURCE 415 "policy.source" "A policy is taken in its compiled form";
    BUNDLE_MEDIA 415 "bundle.media-unknown" "A bundle is sent as application/cose";
    MEDIA_UNKNOWN 415 "evidence.media-unknown" "Evidence of this media type is not taken";
    BATCH_MEDIA 415 "batch.media-unknown" "A batch is taken as it was exported";

    BODY_INVALID 422 "body.invalid" "A value in the body cannot be";
    PARAMETER_INVALID 422 "parameter.invalid" "A parameter's value cannot be";
    KEY_REUSED 422 "idempotency.key-reused" "This Idempotency-Key was used with another request";
    DECISION_DENY 422 "decision.deny" "The policy does not allow it";
    DECISION_REFER 422 "decision.refer" "The policy leaves it to support";
    BALANCE_EXCEEDED 422 "balance.exceeded" "It is more than is left of the sale";
    OPERATION_CONFLICT 422 "operation.conflict" "Another operation on the sale excludes it";
    OPERATION_NOT_ALLOWED 422 "operation.not-allowed" "The decision does not allow it";
    IDENTITY_MISMATCH 422 "identity.mismatch" "The card is not the one that paid";
    CONFIRMATION_WRONG_CODE 422 "confirmation.wrong-code" "The customer's code is another one";
    CONFIRMATION_ENDED 422 "confirmation.ended" "There is no such confirmation for this operation, or no longer";
    REASON_REQUIRED 422 "reason.required" "A reason must be given";
    LIMIT_REACHED 422 "limit.reached" "A limit is reached";
    BUNDLE_TRUNCATED 422 "bundle.truncated" "The bundle ends too early";
    BUNDLE_MALFORMED 422 "bundle.malformed" "This is no bundle";
    BUNDLE_KEYS 422 "bundle.keys" "The bundle's changes of keys cannot be followed";
    BUNDLE_UNKNOWN_KEY 422 "bundle.unknown-key" "The bundle is signed by a key that is not known here";
    BUNDLE_RETIRED_KEY 422 "bundle.retired-key" "The bundle is signed by a key that was retired";
    BUNDLE_ALGORITHM 422 "bundle.algorithm" "Nobody here can check how the bundle is signed";
    BUNDLE_SIGNATURE 422 "bundle.signature" "The bundle was altered, or signed by somebody else";
    BUNDLE_NAME 422 "bundle.name" "The bundle is one of another name";
    BUNDLE_NOT_YET 422 "bundle.not-yet" "The bundle does not hold yet";
    BUNDLE_EXPIRED 422 "bundle.expired" "The bundle does not hold any more";
    BUNDLE_ENGINE_UNKNOWN 422 "bundle.engine-unknown" "No terminal has the engine the bundle was made for";
    BUNDLE_COMPONENT 422 "bundle.component" "Another component decides here than in the bundle";
    BUNDLE_POLICY 422 "bundle.policy" "The server could not decide by a policy in the bundle";
    ARGUMENT_INVALID 422 "argument.invalid" "A value is out of its range";
    BATCH_CHAIN 422 "batch.chain" "The batch's records do not fit its links";
    BATCH_RECORD 422 "batch.record" "A record of the batch cannot be read";

    TOO_MANY_ATTEMPTS 429 "operator.too-many-attempts" "Too many wrong PINs under this key";

    INTERNAL 500 "internal" "Something failed on our side";
    STORE_REFUSED 503 "store.refused" "The store of this deployment cannot keep money safe";
    STORE_UNAVAILABLE 503 "store.unavailable" "The store is busy or unreachable";
}

/// The code of that text.
#[must_use]
pub fn find(code: &str) -> Option<Code> {
    ALL.iter().copied().find(|c| c.code == code)
}
