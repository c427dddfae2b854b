//! `os.walk`, `os.scandir` and `glob` over mounts: what they see, and what they may cost.

use std::time::{Duration, Instant};

use mounts::{Limits, Mount, Table};

use crate::endless::Endless;
use crate::linked::{Entry, Linked};
use crate::script::run;

fn linked() -> Table {
    let table = Table::new();
    let tree = Linked::new([
        ("real", Entry::Directory),
        ("real/leaf", Entry::File("x")),
        ("real/up", Entry::Link("..")),
        ("to_real", Entry::Link("real")),
        ("to_leaf", Entry::Link("real/leaf")),
        ("dangling", Entry::Link("missing")),
        ("out", Entry::Link("../out")),
        ("pipe", Entry::Special),
    ]);
    table.mount("/m", Mount::read_only(tree)).unwrap();
    table
}

fn endless(tree: Endless, limits: Limits) -> Table {
    let table = Table::new();
    table
        .mount("/m", Mount::read_only(tree).with_limits(limits))
        .unwrap();
    table
}

fn directories(directories: usize) -> Endless {
    Endless {
        directories,
        ..Endless::default()
    }
}

fn files(files: usize) -> Endless {
    Endless {
        files,
        ..Endless::default()
    }
}

const UNLIMITED: Limits = Limits {
    max_bytes: None,
    max_files: None,
    max_file_size: None,
    write_bytes: None,
    memory: None,
};

#[test]
fn a_walk_goes_through_mount_points_and_their_ancestors() {
    let table = Table::new();
    for point in ["/data", "/data/deep/nested", "/other/place"] {
        table.mount(point, Mount::memory()).unwrap();
    }
    table.write("/data/a", "").unwrap();
    table.write("/data/deep/nested/b", "").unwrap();
    table.write("/other/place/c", "").unwrap();
    let code = "
import os
from pathlib import Path
for step in os.walk('/'):
    print(*step)
print(sorted(str(p) for p in Path('/').rglob('?')), sorted(str(p) for p in Path('/').glob('*/*/*')))
print([(e.name, e.is_dir()) for e in os.scandir('/data')])
";
    let ended = run(&table, code);
    assert_eq!(ended.handed_back, [""; 0]);
    assert_eq!(
        ended.printed(),
        "/ ['data', 'other'] []\n\
         /data ['deep'] ['a']\n\
         /data/deep ['nested'] []\n\
         /data/deep/nested [] ['b']\n\
         /other ['place'] []\n\
         /other/place [] ['c']\n\
         ['/data/a', '/data/deep/nested/b', '/other/place/c'] ['/data/deep/nested', '/other/place/c']\n\
         [('a', False), ('deep', True)]\n"
    );
}

#[test]
fn a_scan_tells_links_apart_and_does_not_show_those_that_lead_out() {
    let code = "
import os
from pathlib import Path
for e in os.scandir('/m'):
    print(e.name, int(e.is_dir()), int(e.is_file()), int(e.is_symlink()), int(e.is_dir(follow_symlinks=False)))
for step in os.walk('/m'):
    print(*step)
print([str(p) for p in Path('/m').rglob('leaf')], sorted(str(p) for p in Path('/m').glob('*/leaf')))
print([str(p) for p in Path('/m').glob('out')], [str(p) for p in Path('/m').glob('dangling')])
print(sorted(e.name for e in os.scandir('/m/to_real')))
for path in ['/m/dangling', '/m/out', '/m/pipe', '/m/to_leaf']:
    try:
        os.scandir(path)
    except OSError as error:
        print(error)
";
    assert_eq!(
        run(&linked(), code).printed(),
        "dangling 0 0 1 0\npipe 0 0 0 0\nreal 1 0 0 1\nto_leaf 0 1 1 0\nto_real 1 0 1 0\n\
         /m ['real', 'to_real'] ['dangling', 'pipe', 'to_leaf']\n\
         /m/real ['up'] ['leaf']\n\
         ['/m/real/leaf'] ['/m/real/leaf', '/m/to_real/leaf']\n\
         [] ['/m/dangling']\n\
         ['leaf', 'up']\n\
         [Errno 2] No such file or directory: '/m/dangling'\n\
         [Errno 13] Permission denied: '/m/out'\n\
         [Errno 20] Not a directory: '/m/pipe'\n\
         [Errno 20] Not a directory: '/m/to_leaf'\n"
    );
}

#[test]
fn a_walk_that_follows_links_in_a_circle_ends_after_forty_of_them() {
    let table = Table::new();
    let tree = Linked::new([("dir", Entry::Directory), ("dir/again", Entry::Link("../dir"))]);
    table.mount("/m", Mount::read_only(tree)).unwrap();
    let code = "
import os
steps = list(os.walk('/m', followlinks=True))
print(len(steps), steps[-1][0].count('again'), steps[-1][1:])
";
    assert_eq!(run(&table, code).printed(), "42 40 ([], ['again'])\n");
}

#[test]
fn a_scan_looks_at_a_million_entries_and_says_so_when_there_are_more() {
    let table = endless(files(1_000_000), UNLIMITED);
    for scan in ["list(os.walk('/m'))", "list(Path('/m').rglob('nothing'))"] {
        let code = format!("import os\nfrom pathlib import Path\n{scan}");
        assert_eq!(
            run(&table, &code).raised(),
            "RuntimeError: directory scan examined more than 1000000 entries"
        );
    }
}

#[test]
fn a_scan_keeps_to_the_memory_of_its_mount() {
    let limits = Limits {
        memory: Some(1_000_000),
        ..UNLIMITED
    };
    let table = endless(directories(10), limits);
    for scan in ["list(os.walk('/m'))", "list(Path('/m').rglob('*'))"] {
        let code = format!("import os\nfrom pathlib import Path\n{scan}");
        assert_eq!(
            run(&table, &code).raised(),
            "MemoryError: mount memory usage limit of 1 MB exceeded"
        );
    }
    let wide = endless(files(10_000), limits);
    assert_eq!(
        run(&wide, "import os\nos.listdir('/m')").raised(),
        "MemoryError: mount memory usage limit of 1 MB exceeded"
    );
}

#[test]
fn a_pattern_that_multiplies_or_never_ends_is_answered_soon() {
    let table = endless(directories(3), UNLIMITED);
    let begun = Instant::now();
    let code = "
from pathlib import Path
try:
    print(len(list(Path('/m').glob('*/' + '../*/' * 100))))
except RuntimeError as error:
    print(error)
print(list(Path('/m').glob('[' * 5000)), list(Path('/m').glob('*/' * 5000)))
";
    let printed = run(&table, code).printed();
    assert!(printed.ends_with("[] []\n"), "{printed}");
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
}
