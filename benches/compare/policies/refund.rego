package refund

import rego.v1

sale := input.facts.sale

balance := input.facts.balance

now := input.facts.now.unix_ms

asked := input.question.refund

amount := asked.amount.minor

left := ((sale.captured.minor - balance.cleared.minor) - balance.voided.minor) - balance.reserved.minor

window_ends := sale.paid_at.unix_ms + 2592000000

findings contains ["sale.outcome", "deny", input.facts.status.outcome, "good"] if input.facts.status.outcome != "Good"

findings contains ["refund.void-open", "deny", 1, 0] if balance.void_open

findings contains ["refund.operation-open", "deny", 1, 0] if balance.operation_open

findings contains ["refund.balance", "deny", amount, left] if amount > left

findings contains ["refund.balance", "deny", amount, left] if left == 0

findings contains ["refund.kind", "refer", sale.kind, ""] if sale.kind in {"top-up", "gift-card"}

findings contains ["refund.real-time", "refer", "real-time", "ordinary"] if sale.settlement == "RealTime"

findings contains ["refund.window", "refer", now, window_ends] if now >= window_ends

findings contains ["refund.count", "deny", balance.refunds_counted, 20] if balance.refunds_counted >= 20

findings contains ["refund.spacing", "deny", now - balance.last_refund_at.unix_ms, 60000] if {
	balance.last_refund_at != null
	now < balance.last_refund_at.unix_ms + 60000
}

findings contains ["refund.amount-limit", "deny", amount, 500000] if amount > 500000

findings contains ["refund.amount-limit", "deny", amount, 100] if amount < 100

reasons := {"wrong-amount", "duplicate", "returned-goods", "not-delivered", "quality", "customer-request"}

findings contains ["refund.reason", "deny", "", "wrong-amount|duplicate|returned-goods|not-delivered|quality|customer-request"] if asked.reason == null

findings contains ["refund.reason", "deny", asked.reason, "wrong-amount|duplicate|returned-goods|not-delivered|quality|customer-request"] if {
	asked.reason != null
	not asked.reason in reasons
}

findings contains ["refund.evidence", "deny", "", "receipt"] if {
	amount > 100000
	not "receipt" in asked.evidence
}

denied if {
	some finding in findings
	finding[1] == "deny"
}

outcome := "deny" if {
	denied
} else := "refer" if {
	count(findings) > 0
} else := "allow"

answer := {"outcome": outcome, "findings": findings}
