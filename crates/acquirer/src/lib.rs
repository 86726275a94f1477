//! A simulated acquirer.
