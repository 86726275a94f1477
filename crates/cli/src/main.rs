//! The `rescind` command.

// They panic when the stream is closed; `stdio` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod acquirer;
mod admin;
mod audit;
mod backup;
mod bundle;
mod components;
mod doctor;
mod fill;
mod native;
mod policy;
mod provision;
mod restore;
mod serve;
mod shop;
mod stdio;
mod terminal;

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
    /// Write, test, compare and compile policies.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Make, sign and check what terminals decide with.
    #[command(subcommand)]
    Bundle(bundle::Bundle),
    /// List, take out and add the bytes of components that decided.
    #[command(subcommand)]
    Components(components::Components),
    /// Copy the database, also while a server has it open, and check copies.
    Backup(backup::Backup),
    /// Put a backup in the place of the database.
    Restore(restore::Restore),
    /// Add many sales, for measurements.
    #[command(hide = true)]
    Fill(fill::Fill),
    /// Take out what proves a payment's history, and check it with nothing but the file and a public key.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Walk a database that is not in use and check everything in it.
    Doctor(doctor::Doctor),
    /// Run a simulated acquirer.
    Acquirer(acquirer::Acquirer),
    /// Play a payment terminal, with the server or without it.
    Terminal(terminal::Terminal),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => serve.run().map(|()| ExitCode::SUCCESS),
        Command::Admin(admin) => admin.run().map(|()| ExitCode::SUCCESS),
        Command::Policy(policy) => policy.run(),
        Command::Bundle(bundle) => bundle.run(),
        Command::Components(components) => components.run().map(|()| ExitCode::SUCCESS),
        Command::Backup(backup) => backup.run().map(|()| ExitCode::SUCCESS),
        Command::Restore(restore) => restore.run().map(|()| ExitCode::SUCCESS),
        Command::Fill(fill) => fill.run().map(|()| ExitCode::SUCCESS),
        Command::Audit(audit) => audit.run(),
        Command::Doctor(doctor) => Ok(doctor.run()),
        Command::Acquirer(acquirer) => acquirer.run().map(|()| ExitCode::SUCCESS),
        Command::Terminal(terminal) => terminal.run(),
    };
    match done {
        Ok(code) => code,
        Err(error) => stdio::failure(&error),
    }
}
