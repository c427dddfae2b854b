//! A file call of a script from end to end, beside the least that the interpreter needs for any call.

use monty::{MontyRun, RunProgress};
use monty_types::{CompileOptions, MontyException, MontyObject, PrintWriter, ResourceTracker};
use mounts::monty::{Budget, Unmetered, drive};
use mounts::{Lease, Mount};

use crate::harness::{Contender, Goal, Row};
use crate::peers::{Peer, leased, text, text_of, write_call};

const FILE: &str = "/data/notes.txt";
const TEXT: [u8; 100] = [b'x'; 100];
const CALLS: u32 = 1000;

fn compiled(call: &str) -> MontyRun {
    let code = format!(
        "from pathlib import Path\n\
         path = Path('{FILE}')\n\
         last = None\n\
         for _ in range({CALLS}):\n    last = path.{call}\n\
         str(last)\n"
    );
    MontyRun::new(code, "main.py", vec![], CompileOptions::default()).expect("the script compiles")
}

fn start(run: &MontyRun) -> RunProgress {
    run.clone()
        .start(vec![], ResourceTracker::default(), PrintWriter::Stdout)
        .expect("the script starts")
}

/// Runs to the end with the answers that `answer` gives.
fn run_with(
    run: &MontyRun,
    mut answer: impl FnMut(monty_types::OsFunctionCall) -> MontyObject,
) -> MontyObject {
    let mut progress = start(run);
    loop {
        progress = match progress {
            RunProgress::Complete(value) => return value,
            RunProgress::OsCall(call) => call
                .resume_with(PrintWriter::Stdout, |asked| answer(asked).into())
                .expect("the script goes on"),
            other => panic!("an unexpected pause: {other:?}"),
        };
    }
}

fn driven(run: &MontyRun, lease: &Lease) -> Result<RunProgress, MontyException> {
    let mut budget = Budget::default();
    drive(
        start(run),
        lease,
        PrintWriter::Stdout,
        &mut Unmetered,
        &mut budget,
    )
}

fn calling(call: &'static str, constant: MontyObject) -> Row {
    let lease = leased(Mount::memory());
    lease.write(FILE, TEXT).expect("the file can be written");
    let mut peer = Peer::empty();
    peer.ask(write_call(FILE, &TEXT));
    let (ours, floor, theirs) = (compiled(call), compiled(call), compiled(call));
    let shown = |value: MontyObject| text_of(&value);
    Row::new(Contender::repeated(
        "ours",
        move || {
            let ended = driven(&ours, &lease).expect("the script succeeds");
            ended.into_complete().expect("it asks for files only")
        },
        shown,
    ))
    .units(CALLS)
    .against(
        Contender::repeated(
            "a constant answer",
            move || run_with(&floor, |_| constant.clone()),
            shown,
        ),
        Goal::TimesTheTime(1.25),
    )
    .beside(Contender::repeated(
        "monty-fs, overlay",
        move || run_with(&theirs, |asked| peer.ask(asked)),
        shown,
    ))
}

pub(crate) fn read_text() -> Row {
    calling("read_text()", MontyObject::string(text(&TEXT)))
}

pub(crate) fn exists() -> Row {
    calling("exists()", MontyObject::bool(true))
}
