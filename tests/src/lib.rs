//! What runs the whole.
