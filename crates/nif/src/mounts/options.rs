//! A mount's options as Elixir writes them: `[{"/path", "contents"}, {"/dir", :directory}]`,
//! `[max_bytes: 1024, memory_limit: :unlimited]` and `[hide: ["**/.env"]]`.

use mounts::{Globs, Limits, Mount, Rules};
use rustler::{Atom, Binary, Decoder, Error, NifResult, Term};

use crate::{atoms, error::argument_error};

/// What a mount starts with: paths within it, and what is there.
pub(super) struct Files<'a>(pub(super) Vec<(Binary<'a>, Seed<'a>)>);

impl<'a> Decoder<'a> for Files<'a> {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        proper_list(term).map(Self)
    }
}

/// The contents of a file, or `:directory`.
#[derive(Clone, Copy)]
pub(super) enum Seed<'a> {
    File(Binary<'a>),
    Directory,
}

impl<'a> Decoder<'a> for Seed<'a> {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        if atoms::directory() == term {
            Ok(Self::Directory)
        } else {
            term.decode().map(Self::File)
        }
    }
}

/// The limits that are given of a mount; the others are what its kind has by default.
#[derive(Debug, Clone)]
pub(super) struct MountLimits(Vec<(Limit, Option<u64>)>);

#[derive(Debug, Clone, Copy)]
enum Limit {
    WriteBytes,
    MaxBytes,
    MaxFiles,
    MaxFileSize,
    Memory,
}

impl<'a> Decoder<'a> for MountLimits {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        let given: Vec<(Atom, Ceiling)> = proper_list(term)?;
        let known = given.into_iter().map(|(option, ceiling)| {
            let limit = match option {
                option if option == atoms::write_bytes_limit() => Limit::WriteBytes,
                option if option == atoms::max_bytes() => Limit::MaxBytes,
                option if option == atoms::max_files() => Limit::MaxFiles,
                option if option == atoms::max_file_size() => Limit::MaxFileSize,
                option if option == atoms::memory_limit() => Limit::Memory,
                _ => return Err(Error::BadArg),
            };
            Ok((limit, ceiling.0))
        });
        known.collect::<NifResult<_>>().map(Self)
    }
}

impl MountLimits {
    fn over(&self, defaults: Limits) -> Limits {
        let mut limits = defaults;
        for (limit, ceiling) in &self.0 {
            let limit = match limit {
                Limit::WriteBytes => &mut limits.write_bytes,
                Limit::MaxBytes => &mut limits.max_bytes,
                Limit::MaxFiles => &mut limits.max_files,
                Limit::MaxFileSize => &mut limits.max_file_size,
                Limit::Memory => &mut limits.memory,
            };
            *limit = *ceiling;
        }
        limits
    }
}

/// The rules of a mount, from `[deny: ["*.key"], hide: [], read_only: []]`. A glob that is none is an `ArgumentError`
/// which names it.
#[derive(Debug, Clone)]
pub(super) struct MountRules(Option<Rules>);

impl<'a> Decoder<'a> for MountRules {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        let given: Vec<(Atom, Term<'a>)> = proper_list(term)?;
        if given.is_empty() {
            return Ok(Self(None));
        }
        let mut globs = Globs::default();
        for (verdict, listed) in given {
            let kept = match verdict {
                verdict if verdict == atoms::deny() => &mut globs.deny,
                verdict if verdict == atoms::hide() => &mut globs.hide,
                verdict if verdict == atoms::read_only() => &mut globs.read_only,
                _ => return Err(Error::BadArg),
            };
            kept.extend(proper_list::<String>(listed)?);
        }
        let rules = Rules::new(globs).map_err(|error| argument_error(format!(":rules: {error}")))?;
        Ok(Self(Some(rules)))
    }
}

/// What may be said of every mount.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    limits: MountLimits,
    rules: MountRules,
}

impl<'a> Decoder<'a> for Settings {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        let (limits, rules) = term.decode()?;
        Ok(Self { limits, rules })
    }
}

impl Settings {
    /// The mount under these limits, where given, and these rules.
    pub(super) fn apply(&self, mount: Mount) -> Mount {
        let limits = self.limits.over(*mount.limits());
        let mount = mount.with_limits(limits);
        match &self.rules.0 {
            Some(rules) => mount.with_rules(rules.clone()),
            None => mount,
        }
    }
}

/// How something is mounted that is there already.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mode {
    ReadOnly,
    ReadWrite,
    Overlay,
}

impl<'a> Decoder<'a> for Mode {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        match Atom::from_term(term)? {
            mode if mode == atoms::read_only() => Ok(Self::ReadOnly),
            mode if mode == atoms::read_write() => Ok(Self::ReadWrite),
            mode if mode == atoms::overlay() => Ok(Self::Overlay),
            _ => Err(Error::BadArg),
        }
    }
}

/// How a snapshot is mounted.
#[derive(Debug, Clone, Copy)]
pub(super) enum SnapshotMode {
    ReadOnly,
    Overlay,
}

impl<'a> Decoder<'a> for SnapshotMode {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        match term.decode()? {
            Mode::ReadOnly => Ok(Self::ReadOnly),
            Mode::Overlay => Ok(Self::Overlay),
            Mode::ReadWrite => Err(Error::BadArg),
        }
    }
}

/// A number, or `:unlimited`.
struct Ceiling(Option<u64>);

impl<'a> Decoder<'a> for Ceiling {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        if atoms::unlimited() == term {
            Ok(Self(None))
        } else {
            Ok(Self(Some(term.decode()?)))
        }
    }
}

/// The items of a list. The decoder for vectors panics when a list ends in something else than the empty one; only a
/// proper list has a length.
pub(super) fn proper_list<'a, T: Decoder<'a>>(term: Term<'a>) -> NifResult<Vec<T>> {
    term.list_length()?;
    term.decode()
}
