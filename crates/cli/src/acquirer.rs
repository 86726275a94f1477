//! `rescind acquirer`: the simulated acquirer on an address of its own.

use crate::stdio::announce;
use anyhow::Context as _;
use clap::Args;
use std::net::SocketAddr;

/// Run a simulated acquirer.
#[derive(Debug, Args)]
pub struct Acquirer {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3010")]
    listen: SocketAddr,
}

impl Acquirer {
    /// Runs it until it is stopped.
    pub fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Runtime::new().context("no runtime")?;
        runtime.block_on(async {
            let acquirer = rescind_acquirer::Acquirer::bind(self.listen, rescind_acquirer::Options::default()).await;
            let acquirer = acquirer.with_context(|| format!("cannot listen on {}", self.listen))?;
            announce(format_args!("acquirer on {}", acquirer.url()));
            acquirer.run().await;
            Ok(())
        })
    }
}
