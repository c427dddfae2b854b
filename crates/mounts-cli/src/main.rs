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
//! shown        paths as a line can have them
//! failure      what is wrong with the command line or the system
//! ```

mod arguments;
mod assembly;
mod commit;
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

use mounts::LeaseMode;

use arguments::Arguments;
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
            // When this cannot be written either, there is nobody left to tell.
            let _ = writeln!(io::stderr(), "mounts-cli: {failure}");
            failure.status()
        });
    ExitCode::from(status)
}

/// Does what the command line asks for; answers the status to exit with.
fn perform(arguments: Arguments) -> Result<u8, Failure> {
    let table = assembly::table(&arguments)?;
    let program = Program::read(&arguments.script)?;
    let lease = table
        .checkout(LeaseMode::Exclusive)
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let directory = assembly::working_directory(&lease, arguments.working_directory)?;
    let allowance = Allowance {
        time: arguments.time,
        memory: arguments.memory,
    };
    let ending = Ending::of(&run::run(program, &lease, &directory, allowance)?);
    drop(lease);
    ending.tell().map_err(Failure::Output)?;
    report::print(&table, arguments.report)?;
    if ending.status == 0 {
        commit::commit(&table, &arguments.commits)?;
    } else if !arguments.commits.overlays.is_empty() {
        // The status says already that the script did not end well.
        let _ = writeln!(
            io::stderr(),
            "mounts-cli: the script did not end well: nothing is committed"
        );
    }
    Ok(ending.status)
}
