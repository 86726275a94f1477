//! Spin's templates: text with `{{ variable }}` in it.

use std::collections::BTreeMap;

/// Puts the values of `variables` into `text`.
///
/// # Errors
/// A sentence saying which name is unknown or where a brace is missing.
pub(crate) fn resolve(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((literal, expression)) = rest.split_once("{{") {
        let (name, after) =
            expression.split_once("}}").ok_or_else(|| format!("{text:?} has a `{{{{` without `}}}}`"))?;
        let name = name.trim();
        let value = variables.get(name).ok_or_else(|| {
            let known = variables.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            format!("{text:?} uses the variable {name:?}, which [variables] does not define or give a value (known: {known})")
        })?;
        resolved.push_str(literal);
        resolved.push_str(value);
        rest = after;
    }
    resolved.push_str(rest);
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_replace_names() {
        let variables =
            BTreeMap::from([("host".to_owned(), "example.com".to_owned()), ("port".to_owned(), "8443".to_owned())]);
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("{{ host }}", "example.com"),
            ("https://{{host}}:{{ port }}/x", "https://example.com:8443/x"),
        ] {
            assert_eq!(resolve(text, &variables).as_deref(), Ok(expected));
        }
        assert!(resolve("{{ other }}", &variables).unwrap_err().contains("other"));
        assert!(resolve("{{ host", &variables).is_err());
    }
}
