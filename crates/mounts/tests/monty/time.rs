//! Time: execution and answers together, and what is counted of them.

use std::time::{Duration, Instant};

use monty_types::ResourceLimits;
use mounts::monty::{Budget, Meter};
use mounts::{Mount, Table};

use crate::endless::Endless;
use crate::script::{Ended, Script, run};

fn memory() -> Table {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    table.write("/m/file", "text").unwrap();
    table
}

/// A mount each read of which takes `busy`, and below which directories never end.
fn slow(busy: Duration) -> Table {
    let table = Table::new();
    let tree = Endless {
        directories: 2,
        busy,
        ..Endless::default()
    };
    table.mount("/m", Mount::read_only(tree)).unwrap();
    table
}

fn within(limit: Duration, table: &Table, code: &str) -> Ended {
    let mut script = Script::new(code);
    script.budget.limit = Some(limit);
    script.run(table)
}

#[track_caller]
fn assert_timed_out(ended: &Ended, limit: Duration) {
    let raised = ended.raised();
    assert!(
        raised.starts_with("TimeoutError: feed time limit exceeded: "),
        "{raised}"
    );
    assert!(raised.ends_with(&format!("> {limit:?}")), "{raised}");
}

#[test]
fn calls_are_counted_and_so_is_the_time_they_take() {
    let code = "
from pathlib import Path
for number in range(100):
    Path(f'/m/{number}').write_text('x')
    Path(f'/m/{number}').exists()
";
    let ended = run(&memory(), code);
    assert_eq!(ended.budget.calls, 200);
    assert!(ended.budget.answering > Duration::ZERO);

    let busy = Duration::from_millis(2);
    let ended = run(&slow(busy), "for _ in range(10):\n    open('/m/file').read()");
    assert_eq!(ended.budget.calls, 20);
    assert!(
        ended.budget.answering >= busy * 20,
        "{:?}",
        ended.budget.answering
    );
}

#[test]
fn execution_is_not_counted_as_answering() {
    let code = "
total = 0
for number in range(300_000):
    total += number
open('/m/file').read()
for number in range(300_000):
    total += number
open('/m/file').read()
";
    // A call may be in its middle when the machine has something else to do, but not in every run.
    let mut told = Vec::new();
    let not_counted = (0..20).any(|_| {
        let begun = Instant::now();
        let ended = run(&memory(), code);
        let taken = begun.elapsed();
        assert_eq!(ended.budget.calls, 4);
        told.push((ended.budget.answering, taken));
        ended.budget.answering < taken / 2
    });
    assert!(not_counted, "{told:?}");
}

#[test]
fn answers_that_take_too_long_end_the_run_and_no_handler_stops_that() {
    let (limit, busy) = (Duration::from_millis(50), Duration::from_millis(10));
    let code = "
from pathlib import Path
while True:
    try:
        Path('/m/file').read_text()
    except BaseException:
        pass
";
    let ended = within(limit, &slow(busy), code);
    assert_timed_out(&ended, limit);
    // Each call takes 10 ms at least; how much more, and how long the rest, depends on what else the machine is doing.
    let calls = u32::try_from(ended.budget.calls).unwrap();
    assert!(calls <= 5, "{calls} calls");
    assert!(ended.budget.answering >= busy * calls.saturating_sub(1));
}

#[test]
fn a_scan_stops_at_the_limit_while_it_runs() {
    let limit = Duration::from_millis(100);
    for scan in [
        "list(os.walk('/m'))",
        "list(Path('/m').rglob('x'))",
        "os.walk('/m')",
    ] {
        let begun = Instant::now();
        let code = format!(
            "import os\nfrom pathlib import Path\ntry:\n    {scan}\nexcept Exception:\n    print('caught')"
        );
        let ended = within(limit, &slow(Duration::from_millis(1)), &code);
        assert_timed_out(&ended, limit);
        assert_eq!(ended.output, "");
        assert!(begun.elapsed() < limit * 600, "{:?}", begun.elapsed());
    }
}

#[test]
fn calls_of_modules_stop_at_the_limit_while_they_work() {
    let limit = Duration::from_millis(100);
    for call in [
        "shutil.copytree('/m', '/w/copy')",
        "shutil.copytree('/m', '/w/copy', ignore=shutil.ignore_patterns('x*'))",
        "glob.glob('/m/**', recursive=True)",
        "glob.glob('/m/*/*/*/*/*/*/*/*/*/*/*/*')",
    ] {
        let table = slow(Duration::from_millis(1));
        table.mount("/w", Mount::memory()).unwrap();
        let code = format!("import shutil, glob\ntry:\n    {call}\nexcept Exception:\n    print('caught')");
        let ended = within(limit, &table, &code);
        assert_timed_out(&ended, limit);
        assert_eq!(ended.output, "", "{call}");
    }
}

/// Most of the files are still there: it has not gone on until all were removed.
#[test]
fn a_removal_of_many_files_stops_at_the_limit() {
    let table = memory();
    table.create_dir_all("/m/many").unwrap();
    for number in 0..20_000 {
        table.write(&format!("/m/many/{number}"), "").unwrap();
    }
    let limit = Duration::from_micros(200);
    let code = "import shutil\nshutil.rmtree('/m/many', ignore_errors=True)";
    assert_timed_out(&within(limit, &table, code), limit);
    assert!(table.exists("/m/many"));
}

#[test]
fn a_run_that_has_used_its_time_up_changes_nothing_more() {
    let table = memory();
    let mut script = Script::new("open('/m/new', 'w').write('x')");
    script.budget = Budget {
        limit: Some(Duration::from_secs(1)),
        answering: Duration::from_secs(2),
        calls: 7,
    };
    let ended = script.run(&table);
    assert_timed_out(&ended, Duration::from_secs(1));
    assert_eq!(ended.budget.calls, 7);
    assert!(!table.exists("/m/new"));
}

/// A host that gives up on a run after some calls.
struct GivesUp {
    calls_left: u32,
    inside: bool,
}

impl Meter for GivesUp {
    fn enter(&mut self) -> bool {
        assert!(!self.inside, "each call that is let in is left");
        self.inside = self.calls_left > 0;
        self.calls_left = self.calls_left.saturating_sub(1);
        self.inside
    }

    fn leave(&mut self) {
        self.inside = false;
    }
}

#[test]
fn a_run_that_its_host_has_given_up_on_changes_nothing_more() {
    let table = memory();
    let code = "
for number in range(10):
    try:
        open(f'/m/{number}', 'w').write('x')
    except BaseException:
        pass
";
    let mut host = GivesUp {
        calls_left: 5,
        inside: false,
    };
    let ended = Script::new(code).run_metered(&table, &mut host);
    assert!(ended.raised().starts_with("TimeoutError: "), "{}", ended.raised());
    assert_eq!(ended.budget.calls, 5);
    assert!(table.exists("/m/0") && !table.exists("/m/5"));
}

#[test]
fn what_was_used_is_carried_over_calls_that_the_host_answers() {
    let limit = Duration::from_secs(1);
    let code = "
import os
for _ in range(100):
    os.path.exists('/elsewhere')
    open('/m/file').read()
";
    let ended = within(limit, &slow(Duration::from_millis(80)), code);
    assert_timed_out(&ended, limit);
    assert!(!ended.handed_back.is_empty(), "{:?}", ended.handed_back);
    assert!(ended.budget.calls < 14, "{} calls", ended.budget.calls);
}

#[test]
fn an_answer_that_the_run_may_not_hold_is_refused_before_it_is_built() {
    let table = memory();
    table.write("/m/large", vec![b'x'; 2_000_000]).unwrap();
    for read in ["open('/m/large').read()", "open('/m/large', 'rb').read()"] {
        let code = format!("try:\n    {read}\nexcept BaseException:\n    print('caught')");
        let mut script = Script::new(&code);
        script.limits = ResourceLimits::default().max_memory(1_000_000);
        let ended = script.run(&table);
        let raised = ended.raised();
        assert!(
            raised.starts_with("MemoryError: memory limit exceeded: "),
            "{raised}"
        );
        assert_eq!(ended.output, "");
    }
}
