//! The rules of a way with what holds instead for some sales, as a file says them.

use crate::document::Variant;

/// Rules, and which of their fields the file says itself.
pub(super) struct Said<R> {
    pub(super) rules: R,
    pub(super) fields: Vec<&'static str>,
}

/// `[void]` and every `[[void.when]]`, likewise for the other ways.
pub(super) struct Way<R> {
    /// Nothing: it is switched off, and says nothing else.
    pub(super) section: Option<Said<R>>,
    /// In the order of the file, each with the fields that the file says for it.
    pub(super) when: Vec<(Variant<R>, Vec<&'static str>)>,
}

/// The section and its variants, as a document has them.
pub(super) fn parts<R>(way: Option<Way<R>>) -> (Option<R>, Vec<Variant<R>>) {
    match way {
        Some(Way { section, when }) => {
            (section.map(|said| said.rules), when.into_iter().map(|(variant, _)| variant).collect())
        }
        None => (None, Vec::new()),
    }
}
