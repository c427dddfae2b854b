//! What overlays elsewhere have got wrong, over each kind of lower layer, with a host that goes on changing it.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

#[path = "overlay_lowers/lowers.rs"]
mod lowers;
mod support;

use lowers::{Layers, names, on_every_lower, text};
use mounts::{ErrorKind, FileType, Held};
use support::kind;

on_every_lower! {
    a_lower_directory_renamed_and_then_deleted_is_gone_under_both_names,
    a_directory_removed_and_made_again_is_empty_whatever_the_lower_has,
    a_whiteout_covers_all_that_is_below_it,
    a_file_replaced_by_a_directory_can_be_filled,
    a_deleted_file_stays_deleted_wherever_its_directory_goes,
    file_and_directory_take_turns_under_one_name,
    a_directory_replaced_by_a_file_and_again_by_a_directory_shows_nothing_old,
    what_is_renamed_there_and_back_is_no_change,
    a_chain_of_renames_is_as_short_as_one,
    what_is_renamed_over_a_deleted_name_is_not_mixed_with_it,
    a_lower_directory_renamed_over_an_emptied_one_shows_its_own,
    two_lower_entries_change_places,
    what_came_and_went_leaves_no_residue,
    a_lower_file_is_copied_neither_by_opening_nor_by_renaming,
    a_refused_change_of_a_lower_entry_takes_nothing_up,
}

fn held(layers: &Layers) -> Held {
    layers.over.mounts()[0].usage.held
}

fn a_lower_directory_renamed_and_then_deleted_is_gone_under_both_names(layers: &Layers) {
    let over = &layers.over;
    over.rename("/m/d", "/m/moved").unwrap();
    over.rename("/m/moved/e", "/m/e").unwrap();
    for file in ["/m/moved/a", "/m/moved/b", "/m/e/f"] {
        over.remove_file(file).unwrap();
    }
    over.remove_dir("/m/moved").unwrap();
    over.remove_dir("/m/e").unwrap();
    for gone in ["/m/d", "/m/d/a", "/m/moved", "/m/moved/a", "/m/e/f", "/m/d/e/f"] {
        assert!(!over.exists(gone), "{gone}");
    }
    assert_eq!(names(over, "/m"), ["file"]);
    over.create_dir("/m/d").unwrap();
    assert!(names(over, "/m/d").is_empty());
    assert_eq!(layers.lower.read("d/e/f"), "lower f");
}

fn a_directory_removed_and_made_again_is_empty_whatever_the_lower_has(layers: &Layers) {
    let over = &layers.over;
    over.remove_file("/m/d/e/f").unwrap();
    over.remove_dir("/m/d/e").unwrap();
    over.create_dir("/m/d/e").unwrap();
    layers.lower.write("d/e/late", "late");
    layers.lower.write("d/e/f", "again");
    assert!(names(over, "/m/d/e").is_empty());
    assert_eq!(kind(over.read("/m/d/e/late")), ErrorKind::NotFound);
    over.rename("/m/d/e", "/m/moved").unwrap();
    assert!(names(over, "/m/moved").is_empty());
    over.remove_dir("/m/moved").unwrap();
    assert!(!over.exists("/m/d/e"));
}

fn a_whiteout_covers_all_that_is_below_it(layers: &Layers) {
    let over = &layers.over;
    over.rename("/m/d", "/m/away").unwrap();
    layers.lower.write("d/late", "late");
    for hidden in ["/m/d", "/m/d/a", "/m/d/e", "/m/d/e/f", "/m/d/late"] {
        assert_eq!(kind(over.metadata(hidden)), ErrorKind::NotFound, "{hidden}");
        assert_eq!(kind(over.list(hidden)), ErrorKind::NotFound, "{hidden}");
        assert_eq!(
            kind(over.append(&format!("{hidden}/x"), b"x")),
            ErrorKind::NotFound
        );
    }
    // A file of that name is no directory, and hides as much.
    over.write("/m/d", "a file").unwrap();
    assert_eq!(kind(over.read("/m/d/a")), ErrorKind::NotADirectory);
    over.remove_file("/m/d").unwrap();
    assert_eq!(kind(over.read("/m/d/a")), ErrorKind::NotFound);
}

fn a_file_replaced_by_a_directory_can_be_filled(layers: &Layers) {
    let over = &layers.over;
    over.remove_file("/m/file").unwrap();
    over.create_dir("/m/file").unwrap();
    over.write("/m/file/below", "below").unwrap();
    over.create_dir_all("/m/file/deep/er").unwrap();
    layers.lower.write("file", "changed underneath");
    assert_eq!(text(over, "/m/file/below"), "below");
    assert_eq!(names(over, "/m/file"), ["below", "deep"]);
    assert_eq!(over.metadata("/m/file").unwrap().file_type, FileType::Directory);
}

fn a_deleted_file_stays_deleted_wherever_its_directory_goes(layers: &Layers) {
    let over = &layers.over;
    over.remove_file("/m/d/a").unwrap();
    over.rename("/m/d", "/m/x").unwrap();
    assert_eq!(names(over, "/m/x"), ["b", "e"]);
    over.create_dir("/m/y").unwrap();
    over.rename("/m/x", "/m/y/z").unwrap();
    assert_eq!(names(over, "/m/y/z"), ["b", "e"]);
    assert_eq!(kind(over.read("/m/y/z/a")), ErrorKind::NotFound);
    over.rename("/m/y/z", "/m/d").unwrap();
    assert_eq!(names(over, "/m/d"), ["b", "e"]);
    over.write("/m/d/a", "mine").unwrap();
    over.remove_file("/m/d/a").unwrap();
    assert_eq!(kind(over.read("/m/d/a")), ErrorKind::NotFound);
    assert_eq!(layers.lower.read("d/a"), "lower a");
}

fn file_and_directory_take_turns_under_one_name(layers: &Layers) {
    let over = &layers.over;
    for round in 0..3 {
        over.remove_file("/m/file").unwrap();
        over.create_dir("/m/file").unwrap();
        assert!(names(over, "/m/file").is_empty());
        over.write("/m/file/x", "x").unwrap();
        assert_eq!(kind(over.write("/m/file", "no")), ErrorKind::IsADirectory);
        over.remove_file("/m/file/x").unwrap();
        over.remove_dir("/m/file").unwrap();
        over.write("/m/file", format!("{round}")).unwrap();
        assert_eq!(kind(over.list("/m/file")), ErrorKind::NotADirectory);
        assert_eq!(text(over, "/m/file"), format!("{round}"));
    }
    assert_eq!(layers.lower.read("file"), "lower file");
}

fn a_directory_replaced_by_a_file_and_again_by_a_directory_shows_nothing_old(layers: &Layers) {
    let over = &layers.over;
    for file in ["/m/d/a", "/m/d/b", "/m/d/e/f"] {
        over.remove_file(file).unwrap();
    }
    over.remove_dir("/m/d/e").unwrap();
    over.remove_dir("/m/d").unwrap();
    over.write("/m/d", "a file").unwrap();
    assert_eq!(text(over, "/m/d"), "a file");
    over.remove_file("/m/d").unwrap();
    over.create_dir_all("/m/d/e").unwrap();
    layers.lower.write("d/e/late", "late");
    assert_eq!(names(over, "/m/d"), ["e"]);
    assert!(names(over, "/m/d/e").is_empty());
    over.write("/m/d/e/f", "new f").unwrap();
    assert_eq!(text(over, "/m/d/e/f"), "new f");
}

fn what_is_renamed_there_and_back_is_no_change(layers: &Layers) {
    let over = &layers.over;
    for (here, there) in [
        ("/m/file", "/m/file2"),
        ("/m/d/a", "/m/a"),
        ("/m/d", "/m/d2"),
        ("/m/d/e", "/m/e"),
    ] {
        over.rename(here, there).unwrap();
        over.rename(there, here).unwrap();
    }
    let usage = held(layers);
    assert_eq!((usage.bytes, usage.files), (0, 0));
    layers.lower.write("d/late", "late");
    assert_eq!(
        names(over, "/m/d"),
        ["a", "b", "e", "late"],
        "the directory is the lower's own again"
    );
    layers.lower.write("file", "changed underneath");
    assert_eq!(
        text(over, "/m/file"),
        "changed underneath",
        "nothing is owned any more"
    );
}

fn a_chain_of_renames_is_as_short_as_one(layers: &Layers) {
    let over = &layers.over;
    over.rename("/m/d", "/m/0").unwrap();
    let once = held(layers);
    for number in 0..2000 {
        over.rename(&format!("/m/{number}"), &format!("/m/{}", number + 1))
            .unwrap();
    }
    let digits = "2000".len() as u64 - 1;
    assert_eq!(
        held(layers).memory,
        once.memory + digits,
        "only the name is longer"
    );
    assert_eq!(text(over, "/m/2000/e/f"), "lower f");
    over.rename("/m/2000", "/m/d").unwrap();
    assert_eq!((held(layers).bytes, held(layers).files), (0, 0));
}

fn what_is_renamed_over_a_deleted_name_is_not_mixed_with_it(layers: &Layers) {
    let over = &layers.over;
    over.remove_file("/m/d/e/f").unwrap();
    over.remove_dir("/m/d/e").unwrap();
    over.create_dir("/m/new").unwrap();
    over.write("/m/new/mine", "mine").unwrap();
    over.rename("/m/new", "/m/d/e").unwrap();
    layers.lower.write("d/e/late", "late");
    assert_eq!(names(over, "/m/d/e"), ["mine"]);
    over.rename("/m/file", "/m/d/a").unwrap();
    assert_eq!(text(over, "/m/d/a"), "lower file");
    assert!(!over.exists("/m/file"));
}

fn a_lower_directory_renamed_over_an_emptied_one_shows_its_own(layers: &Layers) {
    let over = &layers.over;
    over.create_dir("/m/empty").unwrap();
    over.rename("/m/d/e", "/m/empty").unwrap();
    assert_eq!(names(over, "/m/empty"), ["f"]);
    over.remove_file("/m/d/a").unwrap();
    over.remove_file("/m/d/b").unwrap();
    assert!(names(over, "/m/d").is_empty());
    over.rename("/m/empty", "/m/d").unwrap();
    assert_eq!(names(over, "/m/d"), ["f"]);
    assert_eq!(text(over, "/m/d/f"), "lower f");
    assert!(!over.exists("/m/d/a") && !over.exists("/m/d/e"));
}

fn two_lower_entries_change_places(layers: &Layers) {
    let over = &layers.over;
    over.rename("/m/d/a", "/m/aside").unwrap();
    over.rename("/m/d/b", "/m/d/a").unwrap();
    over.rename("/m/aside", "/m/d/b").unwrap();
    assert_eq!(
        (text(over, "/m/d/a"), text(over, "/m/d/b")),
        ("lower b".into(), "lower a".into())
    );
    over.rename("/m/d/e", "/m/aside").unwrap();
    over.rename("/m/file", "/m/d/e").unwrap();
    over.rename("/m/aside", "/m/file").unwrap();
    assert_eq!(text(over, "/m/d/e"), "lower file");
    assert_eq!(text(over, "/m/file/f"), "lower f");
}

fn what_came_and_went_leaves_no_residue(layers: &Layers) {
    let over = &layers.over;
    for round in 0..300 {
        over.create_dir_all("/m/d/new/er").unwrap();
        over.write("/m/d/new/er/f", format!("{round}")).unwrap();
        over.rename("/m/d/new", "/m/new").unwrap();
        over.remove_file("/m/new/er/f").unwrap();
        over.remove_dir("/m/new/er").unwrap();
        over.remove_dir("/m/new").unwrap();
    }
    let usage = held(layers);
    assert_eq!((usage.bytes, usage.files), (0, 0));
    let after_one = usage.memory;
    over.write("/m/d/again", "x").unwrap();
    over.remove_file("/m/d/again").unwrap();
    assert_eq!(held(layers).memory, after_one);

    over.remove_file("/m/file").unwrap();
    let whiteout = held(layers);
    for _ in 0..300 {
        over.write("/m/file", "anew").unwrap();
        over.remove_file("/m/file").unwrap();
        over.create_dir("/m/file").unwrap();
        over.remove_dir("/m/file").unwrap();
    }
    assert_eq!(held(layers), whiteout);
}

fn a_lower_file_is_copied_neither_by_opening_nor_by_renaming(layers: &Layers) {
    let over = &layers.over;
    over.open_for_write("/m/file", mounts::OpenMode::Append).unwrap();
    assert_eq!(held(layers), Held::default());
    over.rename("/m/file", "/m/d/moved").unwrap();
    over.append("/m/d/moved", b"!").unwrap();
    let usage = held(layers);
    assert_eq!((usage.bytes, usage.files), (1, 0));
    assert_eq!(text(over, "/m/d/moved"), "lower file!");
    over.append("/m/d/moved", b"").unwrap();
    over.rename("/m/d/moved", "/m/file").unwrap();
    assert_eq!(text(over, "/m/file"), "lower file!");
    over.open_for_write("/m/file", mounts::OpenMode::Truncate)
        .unwrap();
    assert_eq!((held(layers).bytes, text(over, "/m/file")), (0, String::new()));
}

fn a_refused_change_of_a_lower_entry_takes_nothing_up(layers: &Layers) {
    let over = &layers.over;
    for answer in [
        over.remove_dir("/m/d"),
        over.remove_file("/m/d"),
        over.remove_dir("/m/file"),
        over.rename("/m/d", "/m/d/e/x"),
        over.rename("/m/file", "/m/d"),
        over.rename("/m/d/e", "/m/file"),
        over.rename("/m/d/e", "/m/d/nothing/x"),
        over.create_dir("/m/d/e"),
        over.write("/m/d/a/x", "x"),
    ] {
        assert!(answer.is_err());
        assert_eq!(held(layers), Held::default());
    }
}
