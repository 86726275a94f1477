//! Terminals by number. A number holds the place and how often that place was used, so it never means another terminal.

use super::Handle;
use crate::limits;
use crate::terminal::Terminal;
use std::sync::{Arc, Mutex, PoisonError};

/// A terminal, with what its last call answered and said.
pub(super) struct Held {
    pub(super) terminal: Terminal,
    pub(super) answer: Vec<u8>,
    pub(super) error: String,
}

struct Place {
    /// How often it was used; the terminal there, if one is.
    uses: u64,
    held: Option<Arc<Mutex<Held>>>,
}

static PLACES: Mutex<Vec<Place>> = Mutex::new(Vec::new());

/// The places themselves are whole whatever panicked: they are changed in one step each.
fn places<T>(change: impl FnOnce(&mut Vec<Place>) -> T) -> T {
    change(&mut PLACES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Keeps a terminal. `None`: too many are open.
pub(super) fn keep(terminal: Terminal) -> Option<Handle> {
    places(|places| {
        let free = places.iter().position(|place| place.held.is_none());
        let index = match free {
            Some(index) => index,
            None if places.len() < limits::HANDLES => {
                places.push(Place { uses: 0, held: None });
                places.len().checked_sub(1)?
            }
            None => return None,
        };
        let place = places.get_mut(index)?;
        place.uses = place.uses.checked_add(1)?;
        let held = Held { terminal, answer: Vec::new(), error: String::new() };
        place.held = Some(Arc::new(Mutex::new(held)));
        handle(index, place.uses)
    })
}

/// Whether one more can be kept.
pub(super) fn has_room() -> bool {
    places(|places| places.iter().filter(|place| place.held.is_some()).count() < limits::HANDLES)
}

/// The terminal of a number.
pub(super) fn find(wanted: Handle) -> Option<Arc<Mutex<Held>>> {
    places(|places| {
        let mut all = places.iter().enumerate();
        all.find(|(index, place)| handle(*index, place.uses) == Some(wanted)).and_then(|(_, place)| place.held.clone())
    })
}

/// Lets go of the terminal of a number.
pub(super) fn forget(wanted: Handle) -> Option<Arc<Mutex<Held>>> {
    places(|places| {
        let mut all = places.iter_mut().enumerate();
        all.find(|(index, place)| handle(*index, place.uses) == Some(wanted)).and_then(|(_, place)| place.held.take())
    })
}

/// The number of a place: never 0.
fn handle(index: usize, uses: u64) -> Option<Handle> {
    let index = u64::try_from(index).ok()?;
    uses.checked_mul(256)?.checked_add(index)
}
