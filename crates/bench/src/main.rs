//! Measures the mount table beside what others do for the same calls.

fn main() {}
