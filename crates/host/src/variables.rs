//! `spin:variables`: what `spin_sdk::variables::get` reads.

use std::collections::BTreeMap;

use crate::bindings::spin::variables::variables::Error;

/// The value of `name` among a component's variables.
pub(crate) fn get(variables: &BTreeMap<String, String>, name: &str) -> Result<String, Error> {
    if let Some(value) = variables.get(name) {
        return Ok(value.clone());
    }
    let valid = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if valid {
        Err(Error::Undefined(format!("the component has no variable {name:?} in spin.toml")))
    } else {
        Err(Error::InvalidName(format!("{name:?}: expected lower_snake_case")))
    }
}
