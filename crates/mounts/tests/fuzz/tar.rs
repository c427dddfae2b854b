//! Any bytes as a tar archive: refused with nothing changed, or imported below the directory that was named.

use mounts::history::TarLimits;
use mounts::{Mount, Table};
use tar::{Builder, EntryType, Header};

/// What is around the directory that is imported into, which never changes.
const AROUND: [&str; 2] = ["/m/before", "/m/in-beside"];

fn import(archive: &[u8]) {
    let table = Table::new();
    let files = AROUND.map(|path| (&path[2..], "around"));
    table
        .mount("/m", Mount::memory().with_files(files).unwrap())
        .unwrap();
    table.create_dir_all("/m/in").unwrap();
    table.write("/m/in/kept", "kept").unwrap();
    let before = table.snapshot();
    let limits = TarLimits {
        max_size: 10_000,
        max_entries: 20,
    };
    let imported = table.import_tar("/m/in", archive, &limits);
    let changes = table.changes_since(&before);
    if imported.is_err() {
        assert!(changes.is_empty(), "{changes:?}");
        return;
    }
    assert!(
        changes.iter().all(|change| change.path.starts_with("/m/in/")),
        "{changes:?}"
    );
    let export = table.export_tar("/m/in", &TarLimits::default()).unwrap();
    table
        .import_tar("/m/out", &export.bytes, &TarLimits::default())
        .unwrap();
}

/// An archive whose entries say what the bytes say, with checksums that are right.
fn archive(mut bytes: &[u8]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    while let [kind, length, lie, rest @ ..] = bytes {
        let (name, rest) = rest.split_at(usize::from(length % 24).min(rest.len()));
        let (contents, rest) = rest.split_at(usize::from(lie % 32).min(rest.len()));
        bytes = rest;
        let mut header = match kind % 3 {
            0 => Header::new_old(),
            1 => Header::new_ustar(),
            _ => Header::new_gnu(),
        };
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        let kinds = b"0000000055\x001234567LKxgSZ";
        header.set_entry_type(EntryType::new(kinds[usize::from(*kind) % kinds.len()]));
        let size = contents.len() as u64;
        header.set_size(if *lie == 255 {
            size * 1_000_000_000 + 1
        } else {
            size
        });
        header.set_cksum();
        builder.append(&header, contents).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn run(bytes: &[u8]) {
    import(bytes);
    import(&archive(bytes));
}
