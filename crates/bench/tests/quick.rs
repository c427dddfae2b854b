//! The benchmarks run, and what they compare does the same work. How long it takes is nobody's business here.

#![allow(clippy::expect_used, reason = "a test fails by unwrapping")]

use std::process::{Command, Output};

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

#[test]
fn every_row_is_measured_and_its_contenders_agree() {
    let output = bench(&["--quick"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}\nafter:\n{printed}");
    for row in [
        "| memory: read",
        "| listing: 10 entries",
        "| host: stat",
        "| overlay: rename",
        "| routing: read among 10,000",
        "| walk: ",
        "| script: ",
    ] {
        assert!(printed.contains(row), "{row} is missing:\n{printed}");
    }
}

#[test]
fn words_select_rows_by_name() {
    let output = bench(&["--quick", "host: stat"]);
    assert!(output.status.success());
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("| host: stat"), "{printed}");
    assert!(!printed.contains("| memory: "), "{printed}");
}

#[test]
fn what_names_no_row_is_refused_with_the_names_there_are() {
    for arguments in [&["nonsense"][..], &["--fast"]] {
        let output = bench(arguments);
        assert_eq!(output.status.code(), Some(2));
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(
            complaint.contains("host: stat") || complaint.contains("--quick"),
            "{complaint}"
        );
    }
}
