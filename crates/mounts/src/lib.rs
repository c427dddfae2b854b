//! A mount table for sandboxed code.
