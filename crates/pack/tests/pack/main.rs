//! Packs and the tools for them. One test program, for link time.

#[cfg(test)]
mod cases;
