//! Terms on their way from a scheduler to a worker.

use rustler::{
    Binary, Decoder, Encoder, Env, LocalPid, MapIterator, NifResult, OwnedEnv, Term, TermType,
    env::SavedTerm, types::tuple::get_tuple,
};

/// Terms, inside one another and side by side, and bytes of their binaries, that are read on a normal scheduler. It takes
/// some thirty microseconds.
const SMALL: usize = 500;
const SMALL_BYTES: usize = 64 << 10;

/// Terms in an environment of their own, which is freed once they are read.
pub(crate) struct Parcel {
    env: OwnedEnv,
    term: SavedTerm,
}

impl Parcel {
    /// Copies `term`, which takes as long as sending it would: binaries of more than 64 bytes are shared, the rest is
    /// written out in full.
    pub(crate) fn pack(term: impl Encoder) -> Self {
        let env = OwnedEnv::new();
        let term = env.save(term);
        Self { env, term }
    }

    /// Reads the terms.
    pub(crate) fn open<T>(self, read: impl FnOnce(Term<'_>) -> T) -> T {
        self.env.run(|env| read(self.term.load(env)))
    }

    /// Sends a process the message made of what is in here. A process that is dead needs none.
    pub(crate) fn send(
        mut self,
        process: LocalPid,
        message: impl for<'a> FnOnce(Env<'a>, Term<'a>) -> Term<'a>,
    ) {
        let _ = self
            .env
            .send_and_clear(&process, |env| message(env, self.term.load(env)));
    }
}

/// The items of a list. The length comes first: an improper list has none, and reading one as a list would panic.
pub(crate) fn items(term: Term<'_>) -> NifResult<Vec<Term<'_>>> {
    term.list_length()?;
    term.decode()
}

/// A list of names.
pub(crate) struct Names(pub(crate) Vec<String>);

impl<'a> Decoder<'a> for Names {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        let names = items(term)?.into_iter().map(Term::decode);
        names.collect::<NifResult<_>>().map(Self)
    }
}

/// Whether a term can be read in no time, and copied as well.
pub(crate) fn is_small(term: Term<'_>) -> bool {
    let mut seen = 0;
    let mut bytes = 0;
    let mut open = vec![term];
    while let Some(term) = open.pop() {
        seen += 1;
        if seen + open.len() > SMALL || bytes > SMALL_BYTES {
            return false;
        }
        match term.get_type() {
            TermType::Binary => bytes += Binary::from_term(term).map_or(0, |binary| binary.len()),
            TermType::List => {
                // A list is its head and the rest, which is no list if it is an improper one.
                if let Ok((head, rest)) = term.list_get_cell() {
                    open.push(rest);
                    open.push(head);
                }
            }
            TermType::Tuple => open.extend(get_tuple(term).unwrap_or_default()),
            TermType::Map => {
                if term.map_size().unwrap_or_default() > SMALL {
                    return false;
                }
                let pairs = MapIterator::new(term).into_iter().flatten();
                open.extend(pairs.flat_map(|(key, value)| [key, value]));
            }
            _ => {}
        }
    }
    bytes <= SMALL_BYTES
}
