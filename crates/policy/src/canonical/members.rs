//! The members of a record that may be written in any way, to say what is wrong with it.

/// The members of a record: each key as it is written, and its value. Ends before what is no member.
#[derive(Debug)]
pub(super) struct Members<'a> {
    /// From the next key on.
    rest: &'a str,
}

impl<'a> Members<'a> {
    /// From a record's first key on, that is after its `{`; or from another of its keys on.
    pub(super) fn of(from: &'a str) -> Self {
        Self { rest: trimmed(from) }
    }

    /// The text behind the record, once all members were gone through. `None`: the record does not end as it should.
    pub(super) fn behind(&self) -> Option<&'a str> {
        self.rest.strip_prefix('}')
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = quoted(self.rest)?;
        let (value, rest) = value(trimmed(rest).strip_prefix(':')?)?;
        self.rest = rest.strip_prefix(',').map_or(rest, trimmed);
        Some((key, value))
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// A text in quotes, as it is written between them, and what stands behind it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })?;
    Some((text.get(..end)?, text.get(end.saturating_add(1)..)?))
}

/// A value of any kind, and the `,` or `}` behind it with all that follows.
fn value(text: &str) -> Option<(&str, &str)> {
    let text = trimmed(text);
    let (mut rest, mut depth) = (text, 0_usize);
    loop {
        let next = rest.bytes().next()?;
        match next {
            b'"' => {
                rest = quoted(rest)?.1;
                continue;
            }
            b'[' | b'{' => depth = depth.saturating_add(1),
            b',' | b'}' | b']' if depth == 0 => break,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        // To the next byte that matters: in between may stand letters of more than one byte.
        let more = rest.get(1..).map(|rest| rest.find(['"', '[', '{', ',', '}', ']']).unwrap_or(rest.len()));
        rest = match more {
            Some(more) => rest.get(more.saturating_add(1)..)?,
            None => rest.trim_start_matches(|letter: char| !matches!(letter, '"' | '[' | '{' | ',' | '}' | ']')),
        };
    }
    let length = text.len().checked_sub(rest.len())?;
    Some((text.get(..length)?.trim_end_matches([' ', '\t', '\n', '\r']), rest))
}

/// The version of the language that a whole text names, whatever else it says. `None`: it names none, or is no record.
pub(super) fn format(text: &str) -> Option<u64> {
    let mut members = Members::of(trimmed(text).strip_prefix('{')?);
    let mut formats = members.by_ref().filter(|(key, _)| *key == "format").map(|(_, value)| value.parse().ok());
    let format = formats.next().flatten().filter(|_| formats.all(|_| false))?;
    members.behind().filter(|behind| trimmed(behind).is_empty()).map(|_| format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_however_they_are_written() {
        let text = " \"a\" : \"},\\\"\" ,\"b\":[{\"a\":1},[]] , \"c\\\\\":{\"}\":售},\n\"d\" : -1.5e3 } behind";
        let mut members = Members::of(text);
        let all: Vec<(&str, &str)> = members.by_ref().collect();
        assert_eq!(all, [("a", "\"},\\\"\""), ("b", "[{\"a\":1},[]]"), ("c\\\\", "{\"}\":售}"), ("d", "-1.5e3")]);
        assert_eq!(members.behind(), Some(" behind"));
    }

    #[test]
    fn what_is_no_record_has_no_format() {
        let table = [
            ("{\"format\":2}", Some(2)),
            (" { \"a\" : {\"format\":3} , \"format\" : 2 } \n", Some(2)),
            ("{\"format\":2,\"format\":2}", None),
            ("{\"format\":2,\"format\":\"\"}", None),
            ("{\"format\":\"2\"}", None),
            ("{\"format\":2.0}", None),
            ("{\"format\":-2}", None),
            ("{\"format\":2", None),
            ("{\"format\":2} x", None),
            ("{\"format\":{{{{", None),
            ("{\"a\":{\"format\":2}}", None),
            ("[{\"format\":2}]", None),
            ("\"format\":2", None),
            ("{售", None),
            ("{\"a\":售}", None),
            ("", None),
        ];
        for (text, format_of_it) in table {
            assert_eq!(format(text), format_of_it, "{text}");
        }
    }
}
