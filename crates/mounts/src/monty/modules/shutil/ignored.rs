//! `ignore_patterns`: a function whose name has the patterns in it.
//!
//! What a script is given must outlive the call, and the dump of a paused run. A table of such functions would have to be
//! kept with the run and would grow with it; a name is kept by the interpreter.

use ::monty_types::scan::SegmentPattern;
use ::monty_types::{CallArgs, ExcType, ObjectRef};

use crate::monty::answer::Fault;
use crate::monty::exception::raised;

use super::super::Job;
use super::super::arguments::{Signature, wrong};
use super::super::outcome::{Done, Failure};

/// What the name begins with; each pattern follows after a NUL, which no file name has.
const PREFIX: &str = "shutil.ignore_patterns\0";

/// Such a function, when the script itself calls it.
const IGNORE: Signature = Signature {
    name: "_ignore_patterns",
    positional: &["path", "names"],
    required: 2,
    keyword_only: &[],
};

/// The patterns in the name of such a function.
pub(in super::super) fn ignored_patterns(function: &str) -> Option<Vec<&str>> {
    let patterns = function.strip_prefix(PREFIX)?;
    Some(
        patterns
            .split('\0')
            .filter(|pattern| !pattern.is_empty())
            .collect(),
    )
}

/// Whether one of `patterns` matches a name.
pub(super) fn is_ignored(name: &str, patterns: &[SegmentPattern]) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

pub(super) fn compiled(patterns: &[&str]) -> Vec<SegmentPattern> {
    patterns
        .iter()
        .map(|pattern| SegmentPattern::new(pattern, true))
        .collect()
}

/// The name of the function that `ignore_patterns` answers.
pub(super) fn named(args: &CallArgs) -> Result<String, Fault> {
    if let Some((keyword, _)) = args.kwargs().next() {
        let keyword = keyword.as_str().unwrap_or_default();
        let text = format!("ignore_patterns() got an unexpected keyword argument '{keyword}'");
        return Err(wrong(text));
    }
    let mut name = PREFIX.to_owned();
    for pattern in args.args() {
        let Some(text) = pattern.as_str() else {
            let class = pattern.type_name();
            return Err(wrong(format!(
                "expected str, bytes or os.PathLike object, not {class}"
            )));
        };
        // No name matches a pattern with a NUL in it.
        if !text.contains('\0') {
            name.push_str(text);
            name.push('\0');
        }
    }
    Ok(name)
}

/// Answers a call of such a function: those of the names that are to be ignored.
pub(super) fn call(function: &str, args: &CallArgs, job: Job<'_>) -> Result<Result<Done, Failure>, Fault> {
    let patterns = function.split('\0').skip(1).filter(|pattern| !pattern.is_empty());
    let patterns: Vec<&str> = patterns.collect();
    let bound = IGNORE.bind(args)?;
    let names = bound
        .get("names")
        .and_then(|names| names.items())
        .ok_or_else(|| {
            let class = bound.get("names").map_or("NoneType", |names| names.type_name());
            wrong(format!("'{class}' object is not iterable"))
        })?;
    let names: Option<Vec<&str>> = names.iter().map(ObjectRef::as_str).collect();
    let Some(names) = names else {
        return Err(Fault::Raise(raised(
            ExcType::TypeError,
            "expected str, bytes or os.PathLike object",
        )));
    };
    Ok(job(&mut |work| {
        let patterns = compiled(&patterns);
        let here = work.locate(".");
        let mut ignored = Vec::new();
        for name in &names {
            work.visit(&here)?;
            if is_ignored(name, &patterns) {
                work.hold(name, &here)?;
                ignored.push((*name).to_owned());
            }
        }
        Ok(Done::Set(ignored))
    }))
}
