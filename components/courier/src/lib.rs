//! Carries operations out, delivers webhooks, lets time pass.
