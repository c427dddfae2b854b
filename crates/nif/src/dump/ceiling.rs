//! Lowers the limits inside a dumped run.
//!
//! The interpreter's part of a run's limits is inside its heap, and of a loaded run it lets nobody change them. So they are
//! exchanged in the bytes: values are skipped, by the names of their fields, until the limits are met.

use std::ops::Range;

use minicbor::Decoder;
use monty_types::ResourceLimits;

use super::record::{self, Malformed};

/// Where the limits are in a run that waits for one call, and in one that waits for futures.
const PATHS: [&[Step]; 2] = [
    &[
        Step::Field("state"),
        Step::Field("Running"),
        Step::Any,
        Step::Field("snapshot"),
        Step::Field("heap"),
        Step::Field("tracker"),
        Step::Field("limits"),
    ],
    &[
        Step::Field("state"),
        Step::Field("Running"),
        Step::Field("ResolveFutures"),
        Step::Field("heap"),
        Step::Field("tracker"),
        Step::Field("limits"),
    ],
];

/// Bytes that the interpreter's dumps begin with: a magic and a version, behind which is one value.
const HEADER_BYTES: usize = 8;

/// From a map to one of its values.
enum Step {
    Field(&'static str),
    /// The only value: which kind of pause a run is at.
    Any,
}

/// The dump of a run with `limits` in the place of its own.
pub(super) fn replace(dump: &[u8], limits: &ResourceLimits) -> Result<Vec<u8>, Malformed> {
    let found = PATHS.iter().find_map(|path| find(dump, path));
    let range = found.ok_or_else(|| Malformed::new("a run without limits"))?;
    Ok([&dump[..range.start], &record::write(limits)?, &dump[range.end..]].concat())
}

fn find(dump: &[u8], path: &[Step]) -> Option<Range<usize>> {
    let mut decoder = Decoder::new(dump);
    decoder.set_position(HEADER_BYTES);
    for step in path {
        enter(&mut decoder, step)?;
    }
    let start = decoder.position();
    decoder.skip().ok()?;
    Some(start..decoder.position())
}

/// Goes to a value of the map that begins here.
fn enter(decoder: &mut Decoder<'_>, step: &Step) -> Option<()> {
    // The interpreter writes maps with their lengths.
    let pairs = decoder.map().ok()??;
    for _ in 0..pairs {
        let key = decoder.str().ok()?;
        match step {
            Step::Any => return Some(()),
            Step::Field(name) if *name == key => return Some(()),
            Step::Field(_) => decoder.skip().ok()?,
        }
    }
    None
}
