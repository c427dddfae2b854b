//! Dumps in parts, for whoever has most of the contents already.

use std::collections::{HashMap, HashSet};

use mounts::{
    Contents, Namespace, Table,
    history::{Digest, DumpParts},
};
use rustler::{Binary, Decoder, Encoder, Env, NewBinary, NifResult, ResourceArc, Term};

use super::{
    answer,
    dump::{Drift, Hosts, options},
    holder::Holder,
    options::proper_list,
    table::TableResource,
};

const DIGEST_BYTES: usize = 32;

/// Contents by their digests.
struct Kept<'a>(Vec<(Binary<'a>, Binary<'a>)>);

impl<'a> Decoder<'a> for Kept<'a> {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        proper_list(term).map(Self)
    }
}

/// What of a dump in parts is not known yet.
struct News {
    parts: DumpParts,
    known: HashSet<Digest>,
}

impl Encoder for News {
    /// The frame, the digests that it names in one binary, and the contents that are new, each with its digest.
    fn encode<'a>(&self, env: Env<'a>) -> Term<'a> {
        let contents = &self.parts.contents;
        let digests = contents.iter().map(|(digest, _)| &digest.as_bytes()[..]);
        let new: Vec<_> = contents
            .iter()
            .filter(|(digest, _)| !self.known.contains(digest))
            .map(|(digest, contents)| {
                let digest = binary(env, DIGEST_BYTES, [&digest.as_bytes()[..]]);
                (digest, binary(env, contents.len(), contents.segments()))
            })
            .collect();
        let frame = binary(env, self.parts.frame.len(), [&self.parts.frame[..]]);
        let digests = binary(env, contents.len() * DIGEST_BYTES, digests);
        (frame, digests, new).encode(env)
    }
}

/// A binary of `length` bytes, which are those of `pieces`.
fn binary<'a, 'p>(env: Env<'a>, length: usize, pieces: impl IntoIterator<Item = &'p [u8]>) -> Binary<'a> {
    let mut binary = NewBinary::new(env, length);
    let mut rest = binary.as_mut_slice();
    for piece in pieces {
        let (now, later) = rest.split_at_mut(piece.len());
        now.copy_from_slice(piece);
        rest = later;
    }
    binary.into()
}

/// Writes the present state down in parts, without the contents whose digests are in `known`. On a dirty scheduler: it
/// hashes everything that the table holds.
#[rustler::nif(schedule = "DirtyCpu")]
fn mount_dump_parts<'a>(env: Env<'a>, holder: Holder<'a>, known: Binary<'a>) -> Term<'a> {
    answer(env, || {
        let parts = holder.ask(
            env,
            |table: &Table| table.snapshot().dump_parts(),
            |leased: &Namespace| leased.snapshot().dump_parts(),
        )?;
        let (known, _) = known.as_slice().as_chunks::<DIGEST_BYTES>();
        let known = known.iter().map(|digest| Digest::from(*digest)).collect();
        Ok(News { parts, known })
    })
}

/// Makes a table of a frame and contents. On a dirty I/O scheduler, as loading a whole dump.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_load_parts<'a>(
    env: Env<'a>,
    frame: Binary<'a>,
    kept: Kept<'a>,
    hosts: Hosts<'a>,
    drift: Drift,
    max_size: u64,
) -> Term<'a> {
    answer(env, move || {
        let kept: HashMap<Digest, Binary<'a>> = kept
            .0
            .into_iter()
            .filter_map(|(digest, contents)| {
                let digest: [u8; DIGEST_BYTES] = digest.as_slice().try_into().ok()?;
                Some((Digest::from(digest), contents))
            })
            .collect();
        let provide = |digest: &Digest| {
            kept.get(digest)
                .map(|contents| Contents::from(contents.as_slice().to_vec()))
        };
        let table = Table::load_parts(&frame, provide, options(hosts, drift, max_size)?)?;
        Ok(ResourceArc::new(TableResource::from(table)))
    })
}
