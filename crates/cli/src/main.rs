//! The `rescind` command.

mod acquirer;
mod admin;
mod native;
mod pack;
mod provision;
mod serve;
mod shop;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Takes card and QR payments back: voids and refunds, decided by policy, carried to a known end.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the application on its embedded store.
    Serve(serve::Serve),
    /// Set up merchants, terminals, persons and keys over the API.
    Admin(admin::Admin),
    /// Check and compile policies.
    #[command(subcommand)]
    Policy(pack::Policy),
    /// Run a simulated acquirer.
    Acquirer(acquirer::Acquirer),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Admin(admin) => admin.run(),
        Command::Policy(policy) => policy.run(),
        Command::Acquirer(acquirer) => acquirer.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
