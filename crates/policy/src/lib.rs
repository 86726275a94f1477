//! The policy document: TOML, checks, canonical form.
