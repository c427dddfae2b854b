//! Runs a Python file over mounts.

fn main() {}
