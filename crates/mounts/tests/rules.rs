//! Rules: every verb at every door, on every kind of mount.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "support/linked.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod linked;
#[path = "support/ruled.rs"]
mod ruled;
mod support;
#[path = "support/verbs.rs"]
mod verbs;

use mounts::{ErrorKind, Table};
use ruled::{Check, EFFECTS, Effect, GLOBS, on_every_kind, on_every_read_only_kind, rules};
use support::kind;
use verbs::{Class, VERBS};

fn leased(table: &Table) -> mounts::Lease {
    table.checkout(mounts::LeaseMode::Exclusive).unwrap()
}

#[test]
fn what_is_hidden_is_absent_and_what_is_denied_is_denied_for_every_verb() {
    for (effect, expected) in [
        (Effect::Hide, ErrorKind::NotFound),
        (Effect::Deny, ErrorKind::PermissionDenied),
    ] {
        for glob in GLOBS {
            let check: Check<'_> = &|mount, has_links, table| {
                let lease = leased(table);
                let mut paths = vec!["/m/a/b/secret", "/m/a/b/secret/below", "/m/x/../a//b/./secret"];
                if has_links {
                    paths.extend([
                        "/m/to_parent/secret",
                        "/m/to_grandparent/b/secret",
                        "/m/to_link/secret/below",
                    ]);
                }
                for path in paths {
                    for (verb, _, act) in VERBS {
                        // Of a dangling link, `mkdir -p` says that it exists.
                        if verb == "create_dir_all" && path.starts_with("/m/to_") {
                            continue;
                        }
                        let answer = kind(act(&lease, path));
                        assert_eq!(answer, expected, "{effect:?} {glob}, {mount}: {verb} {path}");
                    }
                    assert!(!lease.exists(path) && !lease.is_dir(path) && !lease.is_writable(path));
                }
                drop(lease);
                assert_eq!(kind(table.read("/m/a/b/secret")), expected);
            };
            on_every_kind(&rules(effect, &[glob]), check);
            on_every_read_only_kind(&rules(effect, &[glob]), check);
        }
    }
}

#[test]
fn what_is_read_only_can_be_read_and_not_changed() {
    for glob in GLOBS {
        on_every_kind(&rules(Effect::ReadOnly, &[glob]), &|mount, has_links, table| {
            let lease = leased(table);
            let through: &[&str] = if has_links {
                &["/m/a/b", "/m/to_parent", "/m/to_grandparent/b", "/m/to_link"]
            } else {
                &["/m/a/b"]
            };
            for directory in through {
                let path = format!("{directory}/secret");
                for (verb, class, act) in VERBS {
                    let answer = act(&lease, &path).map_err(|error| error.kind());
                    let expected = match (verb, class) {
                        ("list", _) => Err(ErrorKind::NotADirectory),
                        // As on Linux: that something exists is said before that nothing can be created.
                        ("create_dir" | "create_dir_all", _) => Err(ErrorKind::AlreadyExists),
                        (_, Class::Read) => Ok(()),
                        (_, Class::Change) => Err(ErrorKind::ReadOnly),
                    };
                    assert_eq!(answer, expected, "{glob}, {mount}: {verb} {path}");
                }
                assert_eq!(lease.read(&path).unwrap(), *b"s");
                assert!(!lease.is_writable(&path));
            }
            assert!(lease.is_writable("/m/other/file"));
        });
    }
}

#[test]
fn a_rule_on_a_directory_holds_for_what_is_below_it_and_for_what_may_come_there() {
    for effect in EFFECTS {
        for glob in ["a", "a/b", "**/b", "a/**", "*"] {
            on_every_kind(&rules(effect, &[glob]), &|mount, _, table| {
                let expected = match effect {
                    Effect::Hide => ErrorKind::NotFound,
                    Effect::Deny => ErrorKind::PermissionDenied,
                    Effect::ReadOnly => ErrorKind::ReadOnly,
                };
                for path in ["/m/a/b/dir/below", "/m/a/b/dir/new", "/m/a/b/new"] {
                    for answer in [
                        table.write(path, ""),
                        table.append(path, b""),
                        table.rename("/m/z", path),
                    ] {
                        assert_eq!(kind(answer), expected, "{effect:?} {glob}, {mount}: {path}");
                    }
                }
                assert_eq!(kind(table.create_dir_all("/m/a/b/new/newer")), expected);
            });
        }
    }
}

fn names(table: &Table, path: &str) -> Vec<String> {
    let entries = table.list(path).unwrap();
    entries.iter().map(|entry| entry.name.to_string()).collect()
}

#[test]
fn listings_show_what_is_denied_and_leave_out_what_is_hidden() {
    for (glob, directory, shown) in [
        ("a/b/secret", "/m/a/b", &["dir", "open"][..]),
        ("**/secret", "/m/a/b", &["dir", "open"]),
        ("a/b/[!o]*", "/m/a/b", &["open"]),
        ("a/**", "/m/a", &[]),
        ("other", "/m/a", &["b"]),
    ] {
        on_every_kind(&rules(Effect::Hide, &[glob]), &|mount, has_links, table| {
            let mut listed = names(table, directory);
            listed.retain(|name| name != "out");
            assert_eq!(listed, shown, "{glob}, {mount}");
            if has_links && directory == "/m/a/b" {
                assert_eq!(names(table, "/m/to_link"), shown, "{glob}, {mount}");
            }
        });
        on_every_kind(&rules(Effect::Deny, &[glob]), &|mount, _, table| {
            let all = if directory == "/m/a" { "b" } else { "secret" };
            assert!(
                names(table, directory).iter().any(|name| name == all),
                "{glob}, {mount}"
            );
        });
    }
    on_every_kind(&rules(Effect::Deny, &["a"]), &|mount, _, table| {
        assert!(names(table, "/m").contains(&"a".to_owned()), "{mount}");
        assert_eq!(kind(table.list("/m/a")), ErrorKind::PermissionDenied, "{mount}");
    });
}

/// The link itself is judged by its own path, and what it leads to by its own: the strictest verdict holds.
#[test]
fn links_neither_lead_in_nor_out_past_a_rule() {
    let with_links = |effect, globs: &[&str], check: &dyn Fn(&Table)| {
        on_every_kind(&rules(effect, globs), &|_, has_links, table| {
            if has_links {
                check(table);
            }
        });
    };
    for (effect, expected) in [
        (Effect::Hide, ErrorKind::NotFound),
        (Effect::Deny, ErrorKind::PermissionDenied),
    ] {
        // Into it, by a link to the file, to a directory above it, and by a chain.
        with_links(effect, &["**/secret"], &|table| {
            for path in ["/m/to_file", "/m/to_parent/secret", "/m/to_link/secret"] {
                assert_eq!(kind(table.read(path)), expected, "{effect:?} {path}");
                assert_eq!(kind(table.write(path, "")), expected, "{effect:?} {path}");
                assert_eq!(kind(table.metadata(path)), expected, "{effect:?} {path}");
            }
            assert!(
                names(table, "/m").contains(&"to_file".to_owned()),
                "a link that dangles is listed"
            );
        });
        // Out of it: the way there is hidden, though the end is not.
        with_links(effect, &["a"], &|table| {
            for path in ["/m/a/out/file", "/m/to_out/file", "/m/to_grandparent/out/file"] {
                assert_eq!(kind(table.read(path)), expected, "{effect:?} {path}");
            }
            assert_eq!(table.read("/m/other/file").unwrap(), *b"f");
        });
        // The link as given, though what it leads to may be seen by its own name.
        with_links(effect, &["to_parent/secret"], &|table| {
            for path in ["/m/to_parent/secret", "/m/to_link/secret"] {
                assert_eq!(kind(table.read(path)), expected, "{effect:?} {path}");
            }
            assert_eq!(table.read("/m/a/b/secret").unwrap(), *b"s");
            if effect == Effect::Hide {
                for path in ["/m/to_parent", "/m/to_link"] {
                    assert_eq!(names(table, path), ["dir", "open"], "{path}");
                }
                assert_eq!(names(table, "/m/a/b"), ["dir", "open", "secret"]);
            }
        });
    }
    with_links(Effect::ReadOnly, &["a/out"], &|table| {
        for path in ["/m/a/out/file", "/m/to_out/file", "/m/to_grandparent/out/file"] {
            assert_eq!(kind(table.write(path, "")), ErrorKind::ReadOnly, "{path}");
            assert_eq!(kind(table.rename(path, "/m/x")), ErrorKind::ReadOnly, "{path}");
        }
        table.write("/m/other/file", "g").unwrap();
    });
}

#[test]
fn resolving_a_path_does_not_follow_what_may_not_be_seen() {
    for effect in [Effect::Hide, Effect::Deny] {
        on_every_kind(
            &rules(effect, &["to_parent", "**/secret"]),
            &|_, has_links, table| {
                if !has_links {
                    return;
                }
                let lease = leased(table);
                for (path, expected) in [
                    ("/m/to_parent", "/m/to_parent"),
                    ("/m/to_parent/open", "/m/to_parent/open"),
                    ("/m/to_link/open", "/m/to_parent/open"),
                    ("/m/to_grandparent/b/secret", "/m/a/b/secret"),
                    ("/m/to_file", "/m/a/b/secret"),
                ] {
                    assert_eq!(lease.real_path(path).unwrap().as_str(), expected, "{effect:?}");
                }
            },
        );
    }
}
