//! Runs a script over a table, with a host that has no answers of its own.

use monty::{MontyRun, RunProgress};
use monty_types::{
    CompileOptions, ExtFunctionResult, MontyException, MontyObject, NameLookupResult, PrintWriter,
    ResourceLimits, ResourceTracker,
};
use mounts::monty::{Budget, Meter, Unmetered, drive, unhandled, unhandled_function};
use mounts::{LeaseMode, Table};

/// A run that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) result: Result<MontyObject, MontyException>,
    pub(crate) output: String,
    pub(crate) budget: Budget,
    /// The calls that no mount covered, by name and path.
    pub(crate) handed_back: Vec<String>,
}

impl Ended {
    /// What it printed, for a script that ended well.
    #[track_caller]
    pub(crate) fn printed(self) -> String {
        match self.result {
            Ok(_) => self.output,
            Err(error) => panic!("{error}\nafter:\n{}", self.output),
        }
    }

    /// The class and text of the exception it ended with.
    #[track_caller]
    pub(crate) fn raised(&self) -> String {
        self.result.as_ref().expect_err("the script raises").summary()
    }
}

/// How a script is run.
pub(crate) struct Script<'a> {
    pub(crate) code: &'a str,
    pub(crate) cwd: &'a str,
    pub(crate) limits: ResourceLimits,
    pub(crate) budget: Budget,
}

impl<'a> Script<'a> {
    pub(crate) fn new(code: &'a str) -> Self {
        Self {
            code,
            cwd: "/",
            limits: ResourceLimits::default(),
            budget: Budget::default(),
        }
    }

    pub(crate) fn run(self, table: &Table) -> Ended {
        self.run_metered(table, &mut Unmetered)
    }

    pub(crate) fn run_metered<M: Meter>(self, table: &Table, meter: &mut M) -> Ended {
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        let mut run =
            MontyRun::new(self.code.to_owned(), "main.py", vec![], CompileOptions::default()).unwrap();
        run.set_cwd(self.cwd);
        let mut output = String::new();
        let mut budget = self.budget;
        let mut handed_back = Vec::new();
        let mut progress = run.start(
            vec![],
            ResourceTracker::new(self.limits),
            PrintWriter::collect_string(&mut output),
        );
        let result = loop {
            let turn = progress.and_then(|paused| {
                let print = PrintWriter::collect_string(&mut output);
                drive(paused, &lease, print, meter, &mut budget)
            });
            let print = PrintWriter::collect_string(&mut output);
            progress = match turn {
                Ok(RunProgress::Complete(value)) => break Ok(value),
                Err(error) => break Err(error),
                Ok(RunProgress::OsCall(call)) => {
                    let path = call.function_call.fs_primary_path().unwrap_or_default();
                    handed_back.push(format!("{} {path}", call.function_call));
                    let answer = unhandled(&call.function_call);
                    call.resume(answer, print)
                }
                Ok(RunProgress::NameLookup(lookup)) => lookup.resume(NameLookupResult::Undefined, print),
                Ok(RunProgress::FunctionCall(mut call)) => {
                    let name = std::mem::take(&mut call.function_name);
                    let answer = unhandled_function(&name, &call.args);
                    handed_back.push(name.clone());
                    call.resume(answer.unwrap_or(ExtFunctionResult::NotFound(name)), print)
                }
                Ok(other) => panic!("an unexpected pause: {other:?}"),
            };
        };
        Ended {
            result,
            output,
            budget,
            handed_back,
        }
    }
}

/// Runs `code` over `table`, without limits.
pub(crate) fn run(table: &Table, code: &str) -> Ended {
    Script::new(code).run(table)
}
