//! Random programs, dumped in the middle: the loaded table is the one that was dumped.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod support;

use std::path::Path;
use std::sync::Arc;

use mounts::history::LoadOptions;
use mounts::{HostDirectory, LeaseMode, Memory, Metadata, Mount, Overlay, Table};
use proptest::prelude::*;
use support::programs::mounted;
use support::{Entry, Step, image, run, run_on_disk, step};

fn open(path: &Path) -> HostDirectory {
    HostDirectory::open(path).unwrap()
}

fn work(table: &Table, program: &[Step]) -> Vec<support::Outcome> {
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    program.iter().map(|step| run(&lease, "/m", step)).collect()
}

fn grown(program: &[Step]) -> Arc<Memory> {
    let memory = Arc::new(Memory::new());
    work(&mounted(Mount::read_write(Arc::clone(&memory))), program);
    memory
}

/// Everything that can be seen of a table: names, contents, metadata but for the device.
fn seen(table: &Table) -> Vec<(String, Option<Vec<u8>>, Option<Metadata>)> {
    let lease = table.checkout(LeaseMode::Shared).unwrap();
    let mut all: Vec<_> = image(&lease, "/m").into_iter().collect();
    all.push((String::new(), Entry::Directory));
    all.into_iter()
        .map(|(path, entry)| {
            let metadata = lease.symlink_metadata(&format!("/m/{path}")).ok();
            let contents = match entry {
                Entry::File(bytes) => Some(bytes),
                Entry::Directory => None,
            };
            (path, contents, metadata)
        })
        .collect()
}

fn program() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_loaded_table_is_the_one_that_was_dumped_and_goes_on_like_it(
        before in program(), early in program(), late in program()
    ) {
        let disk = tempfile::tempdir().unwrap();
        for step in &before {
            let _ = run_on_disk(disk.path(), step);
        }
        let middle = Arc::new(Overlay::new(grown(&before)));
        work(&mounted(Mount::read_write(Arc::clone(&middle))), &late);
        let kinds = [
            ("memory", mounted(Mount::memory())),
            ("overlay over memory", mounted(Mount::overlay(grown(&before)))),
            ("overlay over an overlay", mounted(Mount::overlay(middle))),
            ("overlay over a host directory", mounted(Mount::overlay(open(disk.path())))),
        ];
        for (kind, table) in kinds {
            work(&table, &early);
            let dump = table.dump().unwrap();
            let options = || match kind {
                "overlay over a host directory" => LoadOptions::new().with_host("/m", open(disk.path())),
                _ => LoadOptions::new(),
            };
            let loaded = Table::load(&dump, options()).unwrap();
            prop_assert_eq!(seen(&loaded), seen(&table), "{}", kind);
            prop_assert_eq!(loaded.list_mounts(), table.list_mounts(), "{}", kind);
            prop_assert_eq!(&loaded.dump().unwrap(), &dump, "{}", kind);
            if kind != "memory" {
                prop_assert_eq!(loaded.changes(), table.changes(), "{}", kind);
            }
            prop_assert_eq!(work(&loaded, &late), work(&table, &late), "{}", kind);
            let image = |table: &Table| image(&table.checkout(LeaseMode::Shared).unwrap(), "/m");
            prop_assert_eq!(image(&loaded), image(&table), "{}", kind);
            prop_assert_eq!(loaded.list_mounts(), table.list_mounts(), "{}", kind);
            let again = Table::load(&loaded.dump().unwrap(), options()).unwrap();
            prop_assert_eq!(seen(&again), seen(&loaded), "{}", kind);
        }
    }
}
