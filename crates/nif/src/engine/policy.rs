//! What a run sees of the world without asking: its working directory, its clock, its zone, its dice.

use std::sync::Arc;

use monty_types::{
    DateTimeSource, OsPolicy, ProcessTime, RandomSeed, RandomStart, SandboxTimeZone, SleepMode, UrandomArgs,
};
use num_bigint::BigInt;
use rustler::{Atom, Decoder, Error, NifResult, Term, TermType};
use serde::{Deserialize, Serialize};

use super::overseer::{self, Overseer};
use crate::atoms;

/// The options `:cwd`, `:clock`, `:timezone` and `:seed` of a run, and who oversees it.
pub(crate) struct Policy {
    /// An absolute virtual path; without one it is the first mount's, or the root.
    pub(crate) cwd: Option<String>,
    /// The interpreter's part.
    pub(crate) os: OsPolicy,
    /// The source of `os.urandom` for a run with a seed; without one its host is asked.
    pub(crate) entropy: Option<Entropy>,
    pub(crate) overseer: Option<Arc<Overseer>>,
}

/// As `ExMonty.Options` writes them, with `nil` for none.
type Fields<'a> = (Option<String>, Term<'a>, Term<'a>, Option<String>, Term<'a>);

impl<'a> Decoder<'a> for Policy {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        let (cwd, clock, zone, seed, overseer): Fields<'a> = term.decode()?;
        let datetime = clock_source(clock)?;
        let seed = seed
            .map(|digits| digits.parse::<BigInt>().map_err(|_| Error::BadArg))
            .transpose()?;
        Ok(Self {
            cwd,
            overseer: overseer::decode_any(overseer)?,
            entropy: seed.as_ref().map(Entropy::new),
            os: OsPolicy {
                datetime,
                timezone: time_zone(zone)?,
                // The host sleeps, so that a sleeping run holds no thread.
                sleep: SleepMode::CallHost,
                // A run that is blind to the time is blind to the time it takes, too.
                process_time: match datetime {
                    DateTimeSource::Fixed { .. } => ProcessTime::Zero,
                    DateTimeSource::System | DateTimeSource::CallHost => ProcessTime::Elapsed,
                },
                random_start: seed.map_or(RandomStart::System, |seed| {
                    RandomStart::Seed(RandomSeed::Int(seed))
                }),
            },
        })
    }
}

/// `:system`, `:host`, or `{seconds since 1970, microsecond}`.
fn clock_source(term: Term<'_>) -> NifResult<DateTimeSource> {
    if let Ok(atom) = term.decode::<Atom>() {
        return if atom == atoms::system() {
            Ok(DateTimeSource::System)
        } else if atom == atoms::host() {
            Ok(DateTimeSource::CallHost)
        } else {
            Err(Error::BadArg)
        };
    }
    let (unix_seconds, microsecond) = term.decode()?;
    Ok(DateTimeSource::Fixed {
        unix_seconds,
        microsecond,
    })
}

/// The name of an IANA zone, or `{offset in seconds, name or nil}`.
fn time_zone(term: Term<'_>) -> NifResult<SandboxTimeZone> {
    if term.get_type() == TermType::Binary {
        return SandboxTimeZone::named(term.decode()?).map_err(|_| Error::BadArg);
    }
    let (offset_seconds, name) = term.decode()?;
    Ok(SandboxTimeZone::Fixed { offset_seconds, name })
}

/// Whether a run can be in the time zone called `name`. On a dirty I/O scheduler: the first look may
/// read the system's directory of zones.
#[rustler::nif(name = "time_zone?", schedule = "DirtyIo")]
fn is_time_zone(name: &str) -> bool {
    SandboxTimeZone::named(name).is_ok()
}

/// Repeatable bytes for `os.urandom`: the generator `SplitMix64`, begun with the seed. Nothing about them is secret, which is what asking for
/// repeatable ones means.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entropy {
    state: u64,
}

impl Entropy {
    fn new(seed: &BigInt) -> Self {
        let mixed = seed
            .to_signed_bytes_le()
            .into_iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        Self { state: mixed }
    }

    /// The answer to one call. The interpreter has seen to it that the run may hold so many bytes.
    pub(crate) fn draw(&mut self, call: &UrandomArgs) -> Vec<u8> {
        let size = usize::try_from(call.size).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(size.next_multiple_of(8));
        while bytes.len() < size {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(size);
        bytes
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
