//! The bytes of a file as a Python `str` or `bytes`: the one copy that an answer costs.

use ::monty_types::{
    ExcType, MontyException, MontyObject, UnicodeErrorData, unicode_decode_error_msg, utf8_error_reason,
};

use crate::contents::Contents;

use super::answer::Fault;
use super::exception::raised;
use super::terms::Terms;

/// How much is copied between two looks at the clock, in bytes: about a millisecond's worth.
const STRIDE: usize = 8 << 20;

/// What `Path.read_text` answers.
pub(super) fn text<M>(contents: &Contents, terms: &Terms<'_, M>) -> Result<MontyObject, Fault> {
    let bytes = copied(contents, terms)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(MontyObject::string(text)),
        Err(error) => {
            let start = error.utf8_error().valid_up_to();
            let length = error.utf8_error().error_len();
            Err(Fault::Raise(undecodable(error.as_bytes(), start, length)))
        }
    }
}

/// What `Path.read_bytes` answers.
pub(super) fn bytes<M>(contents: &Contents, terms: &Terms<'_, M>) -> Result<MontyObject, Fault> {
    copied(contents, terms).map(MontyObject::bytes)
}

fn copied<M>(contents: &Contents, terms: &Terms<'_, M>) -> Result<Vec<u8>, Fault> {
    terms.admit(contents.len())?;
    let mut bytes = Vec::with_capacity(contents.len());
    for segment in contents.segments() {
        let mut rest = segment;
        while let Some((stride, more)) = rest.split_at_checked(STRIDE) {
            bytes.extend_from_slice(stride);
            terms.clock.check()?;
            rest = more;
        }
        bytes.extend_from_slice(rest);
    }
    Ok(bytes)
}

/// The error for bytes whose first `valid` are text and whose next are not: `length` of them, or an unfinished
/// character at the end of the data.
fn undecodable(bytes: &[u8], valid: usize, length: Option<usize>) -> MontyException {
    const CODEC: &str = "utf-8";
    let end = length.map_or(bytes.len(), |length| valid + length);
    // A decoder that stops has found a byte to stop at.
    let first = bytes.get(valid).copied().unwrap_or_default();
    let reason = utf8_error_reason(first, length);
    raised(
        ExcType::UnicodeDecodeError,
        unicode_decode_error_msg(CODEC, first, valid, end, reason),
    )
    .with_data(UnicodeErrorData::decode(CODEC, bytes, valid, end, reason))
}
