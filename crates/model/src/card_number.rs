//! Finds card numbers in free text and masks them, so that none is ever stored or logged (`DOMAIN.md` §9).

use crate::limits::CARD_DIGITS;

/// A text without card numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked {
    /// The text; each card number shows its first six and last four digits only (PCI DSS 3.4).
    pub text: String,
    /// Whether a card number was found.
    pub found: bool,
}

/// Masks every card number in a text: 12 to 19 digits, alone or grouped by single spaces or hyphens, that begin with a
/// range issued to a card network and pass the Luhn check. Order numbers of other shapes stay as they are.
#[must_use]
pub fn mask(text: &str) -> Masked {
    let chars: Vec<char> = text.chars().collect();
    let mut hidden = vec![false; chars.len()];
    let mut found = false;
    let mut at = 0_usize;
    while at < chars.len() {
        let run = digit_run(&chars, at);
        if run.is_empty() {
            at = at.saturating_add(1);
            continue;
        }
        let covered = hide_in_run(&run, &mut hidden);
        found |= covered;
        at = run.last().map_or(at, |(position, _)| *position).saturating_add(1);
    }
    let text = chars.iter().zip(&hidden).map(|(c, hide)| if *hide { '*' } else { *c }).collect();
    Masked { text, found }
}

/// The digits from `start` on, with their positions; single spaces and hyphens between digits belong to the run.
fn digit_run(chars: &[char], start: usize) -> Vec<(usize, u32)> {
    let mut run = Vec::new();
    let mut at = start;
    loop {
        match chars.get(at).and_then(|c| digit(*c)) {
            Some(d) => run.push((at, d)),
            None => {
                let separator = chars.get(at).is_some_and(|c| matches!(c, ' ' | '-' | '\u{a0}' | '\u{3000}'));
                let next_is_digit = chars.get(at.saturating_add(1)).is_some_and(|c| digit(*c).is_some());
                if run.is_empty() || !(separator && next_is_digit) {
                    return run;
                }
            }
        }
        at = at.saturating_add(1);
    }
}

/// ASCII and full-width digits: people paste both.
fn digit(c: char) -> Option<u32> {
    match c {
        '0'..='9' => c.to_digit(10),
        '\u{ff10}'..='\u{ff19}' => u32::from(c).checked_sub(0xff10),
        _ => None,
    }
}

/// Hides every card number of a run: the run as a whole, exactly two pasted together, or any stretch of it that begins and
/// ends where its groups do (`4111111111111111 12/28`). A stretch inside an unbroken longer number passes Luhn by chance
/// one time in ten: such numbers are order numbers and references, and stay.
fn hide_in_run(run: &[(usize, u32)], hidden: &mut [bool]) -> bool {
    let cards: Vec<&[(usize, u32)]> = if is_card(run) {
        vec![run]
    } else {
        let halves = CARD_DIGITS.filter_map(|n| run.split_at_checked(n)).find(|(a, b)| is_card(a) && is_card(b));
        halves.map_or_else(|| stretches(run), |(a, b)| vec![a, b])
    };
    for card in &cards {
        let keep_last = card.len().saturating_sub(4);
        for (index, (position, _)) in card.iter().enumerate() {
            if index >= 6
                && index < keep_last
                && let Some(slot) = hidden.get_mut(*position)
            {
                *slot = true;
            }
        }
    }
    !cards.is_empty()
}

/// The card numbers among the stretches of whole groups.
fn stretches(run: &[(usize, u32)]) -> Vec<&[(usize, u32)]> {
    let position = |index: usize| run.get(index).map(|(position, _)| *position);
    // Between the digits before and at an index there is a separator, or an end of the run.
    let is_border = |index: usize| match (index.checked_sub(1).and_then(position), position(index)) {
        (Some(before), Some(here)) => here.saturating_sub(before) > 1,
        _ => true,
    };
    let mut found = Vec::new();
    for start in (0..run.len()).filter(|i| is_border(*i)) {
        for length in CARD_DIGITS {
            let end = start.saturating_add(length);
            if let Some(stretch) = run.get(start..end)
                && is_border(end)
                && is_card(stretch)
            {
                found.push(stretch);
            }
        }
    }
    found
}

fn is_card(run: &[(usize, u32)]) -> bool {
    if !CARD_DIGITS.contains(&run.len()) {
        return false;
    }
    let prefix = run.iter().take(6).fold(0_u32, |n, (_, d)| n.saturating_mul(10).saturating_add(*d));
    issued(prefix, run.len()) && luhn(run)
}

/// Ranges issued to card networks (ISO/IEC 7812 registrations as the networks publish them), by first six digits.
fn issued(prefix: u32, length: usize) -> bool {
    match prefix {
        // Visa
        400_000..=499_999 => matches!(length, 13 | 16 | 19),
        // Mastercard
        510_000..=559_999 | 222_100..=272_099 => length == 16,
        // American Express
        340_000..=349_999 | 370_000..=379_999 => length == 15,
        // UnionPay; domestic debit cards have 19 digits
        620_000..=629_999 | 810_000..=817_199 => (16..=19).contains(&length),
        // Domestic Chinese ranges from before the 62 prefix that are still in circulation
        356_000..=358_999 if length == 16 => true,
        601_382 | 602_969 | 603_367 | 603_601 | 603_694 | 603_708 | 685_800 | 690_755 | 940_000..=999_999 => {
            (16..=19).contains(&length)
        }
        // JCB
        352_800..=355_999 => (16..=19).contains(&length),
        // Discover, Diners
        601_100..=601_199 | 644_000..=659_999 => (16..=19).contains(&length),
        300_000..=305_999 | 360_000..=369_999 | 380_000..=399_999 => (14..=19).contains(&length),
        // Maestro
        500_000..=509_999 | 560_000..=589_999 | 630_000..=639_999 | 670_000..=679_999 => (12..=19).contains(&length),
        _ => false,
    }
}

fn luhn(run: &[(usize, u32)]) -> bool {
    let sum: u32 = run
        .iter()
        .rev()
        .enumerate()
        .map(|(index, (_, d))| {
            if index % 2 == 0 {
                *d
            } else {
                let doubled = d.saturating_mul(2);
                if doubled > 9 { doubled.saturating_sub(9) } else { doubled }
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_masked_however_they_are_typed() {
        for (text, masked) in [
            ("card 4111111111111111 please", "card 411111******1111 please"),
            ("4111 1111 1111 1111", "4111 11** **** 1111"),
            ("4111-1111-1111-1111", "4111-11**-****-1111"),
            ("卡号6222021234567890128。", "卡号622202*********0128。"),
            ("4111111111111111", "411111******1111"),
            ("amex 378282246310005", "amex 378282*****0005"),
            ("4111111111111111 12/28", "411111******1111 12/28"),
            ("4111 1111 1111 1111 123", "4111 11** **** 1111 123"),
            ("POS 3 4111111111111111", "POS 3 411111******1111"),
            ("4111111111111111 5500000000000004 12/28", "411111******1111 550000******0004 12/28"),
        ] {
            let result = mask(text);
            assert!(result.found, "{text}");
            assert_eq!(result.text, masked);
        }
    }

    #[test]
    fn other_numbers_stay() {
        for text in [
            "order 20261123000000012345678901234567890123",
            "4111111111111112",
            "phone 13800138000",
            "order 1234567890123456",
            "100.00",
            "",
            "2026-11-23 12:00",
        ] {
            assert_eq!(mask(text), Masked { text: text.to_owned(), found: false });
        }
    }

    #[test]
    fn two_numbers_pasted_together_are_both_found() {
        let result = mask("41111111111111115500000000000004");
        assert!(result.found);
        assert!(!result.text.contains("4111111111111111") && !result.text.contains("5500000000000004"));
    }
}
