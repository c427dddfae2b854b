//! Renders the templates of a directory into pages, without an interpreter and without a change on the host.
//!
//! Whoever writes a template chooses the paths that it includes, so every path goes through a mount table: an overlay
//! shows the directory and keeps the pages, a rule hides the drafts, another keeps the templates as they are, and a
//! quota bounds what a template can blow up to. At the end it tells every operation, and what is new.
//!
//! ```sh
//! cargo run --example render                     # the site beside this file
//! cargo run --example render -- DIRECTORY        # one with `values.txt` and `templates/`
//! ```
//!
//! A template is text with `{{name}}`, a value from `values.txt`, and `{{include path}}`, a file of the site, whose
//! own values are filled in and whose includes are not followed.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mounts::{EventRing, FileType, Globs, HostDirectory, LeaseMode, Limits, Mount, Namespace, Rules, Table};

fn main() -> Result<(), Box<dyn Error>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/site");
    let directory = std::env::args_os()
        .nth(1)
        .map_or_else(|| beside.into(), PathBuf::from);
    render(&directory, &mut io::stdout().lock())
}

/// Renders the site in `directory`, and tells `out` what happened.
///
/// # Errors
///
/// The directory cannot be opened, it has no templates or values, or `out` fails. A page that cannot be rendered is
/// told, and the others are.
pub(crate) fn render(directory: &Path, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let table = site(directory)?;
    let events = Arc::new(EventRing::default());
    let subscription = table.observe(Arc::clone(&events));

    let lease = table.checkout(LeaseMode::Exclusive)?;
    let values = values(&lease)?;
    lease.create_dir_all("/site/public")?;
    for entry in lease.list("/site/templates")? {
        if entry.file_type != FileType::File {
            continue;
        }
        if let Err(error) = page(&lease, &entry.name, &values) {
            writeln!(out, "{} is not rendered: {error}", entry.name)?;
        }
    }
    drop(lease);
    drop(subscription);

    for event in events.take().events {
        let verdict = match event.result {
            Ok(()) => format!("{} bytes", event.bytes),
            Err(kind) => kind.description().to_owned(),
        };
        writeln!(out, "{} {}: {verdict}", event.operation.name(), event.path)?;
    }
    for change in table.changes() {
        writeln!(
            out,
            "{:?} {}, {} bytes",
            change.kind,
            change.path,
            change.size.unwrap_or(0)
        )?;
    }
    Ok(())
}

/// A table with the directory at `/site`: drafts hidden, templates protected, pages in memory and small.
fn site(directory: &Path) -> Result<Table, Box<dyn Error>> {
    let rules = Rules::new(Globs {
        hide: vec!["drafts".into(), "**/.*".into()],
        read_only: vec!["templates".into()],
        ..Globs::default()
    })?;
    let limits = Limits {
        max_bytes: Some(1_000_000),
        max_file_size: Some(10_000),
        ..Limits::default()
    };
    let overlay = Mount::overlay(HostDirectory::open(directory)?);
    let table = Table::new();
    table.mount("/site", overlay.with_rules(rules).with_limits(limits))?;
    Ok(table)
}

/// The values that templates may name.
fn values(site: &Namespace) -> mounts::Result<BTreeMap<String, String>> {
    let pairs = text(site, "/site/values.txt")?;
    Ok(pairs
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect())
}

/// Renders the template `name` into the page of that name.
fn page(site: &Namespace, name: &str, values: &BTreeMap<String, String>) -> mounts::Result<()> {
    let template = text(site, &format!("/site/templates/{name}"))?;
    let rendered = filled(
        &template,
        &mut |placeholder| match placeholder.strip_prefix("include ") {
            // Wherever the path leads, the mount judges it: nothing outside of `/site` is there at all.
            Some(path) => {
                let included = text(site, &format!("/site/{path}"))?;
                filled(&included, &mut |name| {
                    Ok(values.get(name).cloned().unwrap_or_default())
                })
            }
            None => Ok(values.get(placeholder).cloned().unwrap_or_default()),
        },
    )?;
    site.write(&format!("/site/public/{name}"), rendered)
}

/// `template` with every `{{placeholder}}` replaced by what `replace` has for it.
fn filled(template: &str, replace: &mut dyn FnMut(&str) -> mounts::Result<String>) -> mounts::Result<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((placeholder, behind)) = after.split_once("}}") else {
            break;
        };
        filled.push_str(before);
        filled.push_str(&replace(placeholder.trim())?);
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn text(site: &Namespace, path: &str) -> mounts::Result<String> {
    let contents = site.read(path)?;
    Ok(String::from_utf8_lossy(&contents.to_vec()).into_owned())
}
