//! Feature `monty`: a mount table answers the file calls of the Monty interpreter.
//!
//! Monty never opens a file. A script that does makes the interpreter pause with an
//! [`OsFunctionCall`](::monty_types::OsFunctionCall), and go on with whatever its host answers. [`drive`] is that
//! host for as long as the mounts have the answer: it resumes the run call after call and hands back the first
//! pause that is somebody else's business.
//!
//! ```
//! use monty::MontyRun;
//! use monty_types::{CompileOptions, MontyObject, PrintWriter, ResourceTracker};
//! use mounts::monty::{Budget, Unmetered, drive};
//! use mounts::{LeaseMode, Mount, Table};
//!
//! let table = Table::new();
//! table.mount("/data", Mount::memory())?;
//! table.write("/data/numbers.txt", "20\n22\n")?;
//!
//! let script = "
//! from pathlib import Path
//! total = sum(int(line) for line in Path('/data/numbers.txt').read_text().splitlines())
//! Path('/data/total.txt').write_text(str(total))
//! total
//! ";
//! let run = MontyRun::new(script.to_owned(), "main.py", vec![], CompileOptions::default())?;
//!
//! let lease = table.checkout(LeaseMode::Exclusive)?;
//! let mut budget = Budget::default();
//! let progress = run.start(vec![], ResourceTracker::default(), PrintWriter::Stdout)?;
//! let progress = drive(progress, &lease, PrintWriter::Stdout, &mut Unmetered, &mut budget)?;
//!
//! assert_eq!(progress.into_complete(), Some(MontyObject::int(42)));
//! assert_eq!(budget.calls, 2);
//! drop(lease);
//! assert_eq!(table.read("/data/total.txt")?, *b"42");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a script sees
//!
//! What Python would show it over a real Linux directory, [exceptions](exception()) included. What differs is the
//! interpreter's doing, because it asks in the same words for different things: `os.makedirs` names the directory
//! that `Path.mkdir` would name, `Path.read_text` does not translate `\r\n`, and `f.tell()` counts characters.
//! `..` is resolved before links are followed. The predicates (`exists`, `is_file`, `is_dir`, `is_symlink`) never
//! raise. One scan (`os.walk`, `os.scandir`, `glob`) looks at a million entries at most, and a glob pattern longer
//! than a path may be matches nothing.
//!
//! # What it costs
//!
//! The calls of a run are counted in a [`Budget`], with the time that they took. The memory of a run, for a host
//! that meters it, stays exact through a [`Meter`].
//!
//! ```text
//! monty/drive       the loop, and monty/suspended, what it drives
//! monty/budget      time
//! monty/meter       memory, and monty/terms, what an answer must respect of both
//! monty/answer      one call to one answer
//! monty/contents    a file's bytes as str or bytes
//! monty/stat        metadata as a stat result
//! monty/mkdir       Path.mkdir, call by call
//! monty/scan        walk, scandir and glob
//! monty/modules     import shutil, import glob
//! monty/exception   errors as Python exceptions
//! monty/value       values that hold others
//! ```

mod answer;
mod budget;
mod contents;
mod drive;
mod exception;
mod meter;
mod mkdir;
mod modules;
mod scan;
mod stat;
mod suspended;
mod terms;
mod value;

pub use answer::{Answered, answer, unhandled};
pub use budget::{Budget, Clock};
pub use drive::drive;
pub use exception::exception;
pub use meter::{Meter, Unmetered};
pub use modules::{ModuleCall, unhandled_function};
pub use suspended::Suspended;
pub use terms::Terms;
