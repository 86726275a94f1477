//! A bar for a person who waits.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rescind_pack::records;
use std::path::PathBuf;

/// A bar over the bytes of these files; drawn on a terminal only.
pub fn over(files: &[PathBuf]) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(records::size(files)), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
