//! Runs a Python file in the Monty interpreter, with the files of a mount table and no others.
//!
//! A second host of the crate `mounts`, beside the BEAM: it says in a few files what such a host has to do.
//!
//! ```text
//! arguments    the command line
//! spec         what one argument says about a mount
//! quantity     bytes and times as people write them
//! assembly     from arguments to a table
//! program      the script, as it is read
//! run          a script from its first line to its end
//! host         what answers the script beside its mounts
//! output       what it prints, on its way out
//! meter        the bytes that it holds
//! ending       how it ended: text and status
//! report       what it changed
//! commit       what of that is applied to directories of the host
//! dump         what is kept in memory, as a file
//! shown        paths as a line can have them
//! failure      what is wrong with the command line or the system
//! ```

mod arguments;
mod assembly;
mod commit;
mod dump;
mod ending;
mod failure;
mod host;
mod meter;
mod output;
mod program;
mod quantity;
mod report;
mod run;
mod shown;
mod spec;

use std::io::{self, Write};
use std::process::ExitCode;

use mounts::{LeaseMode, Table};

use arguments::{Arguments, Commits, Report};
use dump::Destination;
use ending::Ending;
use failure::Failure;
use program::Program;
use run::Allowance;

fn main() -> ExitCode {
    let found = match arguments::command().try_get_matches() {
        Ok(found) => found,
        // Help and version come this way too, with status 0.
        Err(told) => {
            let printed = told.print();
            let status = u8::try_from(told.exit_code()).unwrap_or(u8::MAX);
            return ExitCode::from(if printed.is_ok() { status } else { 1 });
        }
    };
    let status = Arguments::new(&found)
        .and_then(perform)
        .unwrap_or_else(|failure| {
            tell(&failure);
            failure.status()
        });
    ExitCode::from(status)
}

/// Tells it on standard error. When that cannot be written, there is nobody left to tell.
fn tell(what: &impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "mounts-cli: {what}");
}

/// Does what the command line asks for; answers the status to exit with.
fn perform(arguments: Arguments) -> Result<u8, Failure> {
    let table = assembly::table(&arguments)?;
    let program = Program::read(&arguments.script)?;
    let lease = table
        .checkout(LeaseMode::Exclusive)
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let directory = assembly::working_directory(&lease, arguments.working_directory)?;
    let destination = arguments.save.as_deref().map(Destination::new).transpose()?;
    let allowance = Allowance {
        time: arguments.time,
        memory: arguments.memory,
    };
    let ending = Ending::of(&run::run(program, &lease, &directory, allowance)?);
    drop(lease);
    let concluded = conclude(&table, &ending, arguments.report, &arguments.commits);
    // What was not committed, whatever the reason, is not lost.
    let saved = destination.map_or(Ok(()), |destination| destination.save(&table));
    match (concluded, saved) {
        (Ok(()), Ok(())) => Ok(ending.status),
        (Err(failure), Ok(())) | (Ok(()), Err(failure)) => Err(failure),
        (Err(failure), Err(unsaved)) => {
            tell(&failure);
            Err(unsaved)
        }
    }
}

/// Tells how the script ended and what it changed, and commits it.
fn conclude(table: &Table, ending: &Ending, report: Report, commits: &Commits) -> Result<(), Failure> {
    ending.tell().map_err(Failure::Output)?;
    report::print(table, report)?;
    if ending.status == 0 {
        commit::commit(table, commits)?;
    } else if !commits.overlays.is_empty() {
        tell(&"the script did not end well: nothing is committed");
    }
    Ok(())
}
