//! The examples do what they say.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and makes the host's files that it mounts"
)]

#[allow(dead_code, reason = "its main is the one thing that is not called")]
#[path = "../examples/render.rs"]
mod render;

use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};

fn rendered(directory: &Path) -> String {
    let mut out = Vec::new();
    render::render(directory, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn site(templates: &[(&str, &str)]) -> TempDir {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("values.txt"), "name = Ada\n").unwrap();
    fs::create_dir(directory.path().join("templates")).unwrap();
    for (name, text) in templates {
        fs::write(directory.path().join("templates").join(name), text).unwrap();
    }
    directory
}

#[test]
fn the_site_of_the_example_is_rendered_but_for_the_page_that_asks_for_a_draft() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/site");
    let told = rendered(&directory);
    assert_eq!(
        told,
        "about.html is not rendered: read '/site/drafts/plan.txt': No such file or directory\n\
         read /site/values.txt: 37 bytes\n\
         create_dir /site/public: 0 bytes\n\
         list /site/templates: 0 bytes\n\
         read /site/templates/about.html: 51 bytes\n\
         read /site/drafts/plan.txt: No such file or directory\n\
         read /site/templates/index.html: 42 bytes\n\
         read /site/footer.txt: 45 bytes\n\
         write /site/public/index.html: 70 bytes\n\
         Created /site/public, 0 bytes\n\
         Created /site/public/index.html, 70 bytes\n"
    );
    assert!(!directory.join("public").exists());
}

#[test]
fn an_include_leads_nowhere_but_into_the_site() {
    let directory = site(&[
        ("escape.html", "{{include ../../../../etc/passwd}}"),
        ("hidden.html", "{{include .env}}"),
    ]);
    fs::write(directory.path().join(".env"), "secret").unwrap();
    let told = rendered(directory.path());
    assert!(
        told.starts_with(
            "escape.html is not rendered: read '/site/../../../../etc/passwd': no mount covers this path\n\
             hidden.html is not rendered: read '/site/.env': No such file or directory\n"
        ),
        "{told}"
    );
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn a_page_that_is_too_large_is_told_and_the_others_are_rendered() {
    let directory = site(&[
        ("large.html", &"{{include values.txt}}".repeat(1_000)),
        ("small.html", "Hello {{ name }}, {{unknown}}{{unclosed"),
    ]);
    let told = rendered(directory.path());
    assert!(
        told.starts_with("large.html is not rendered: write '/site/public/large.html': File too large\n"),
        "{told}"
    );
    assert!(
        told.ends_with("Created /site/public, 0 bytes\nCreated /site/public/small.html, 21 bytes\n"),
        "{told}"
    );
}

#[test]
fn a_directory_without_a_site_is_an_error() {
    let empty = tempdir().unwrap();
    let error = render::render(empty.path(), &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "read '/site/values.txt': No such file or directory"
    );
}
