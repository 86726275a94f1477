//! The HTTP API as a component.
