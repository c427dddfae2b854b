//! The size of a term written out in full, before a value is made of it.
//!
//! A Python value has its own copy of everything that can change, so what a term shares is written out: sixty lists,
//! each holding the one before twice, would be 2⁶⁰ lists, and following them until the bound is reached takes seconds.
//! Here each is counted once: a term that is referred to again is the same word again.

use std::collections::HashMap;

use rustler::{Binary, MapIterator, Term, TermType, sys::ErlNifTerm, types::tuple::get_tuple};

use super::{Bounds, Refusal};

const WORD: usize = size_of::<usize>();
const CELL: usize = 2 * WORD;

/// Levels of a term for one level of a Python value at most: a frozenset is a tuple of a struct of a map.
const LEVELS: usize = 3;

/// A container that is being measured.
struct Open<'a> {
    word: ErlNifTerm,
    rest: Rest<'a>,
    bytes: usize,
}

/// What a container holds that has not been measured yet.
enum Rest<'a> {
    /// The cells of a list, or what an improper one ends in.
    Cells(Term<'a>),
    Items(Vec<Term<'a>>),
}

impl<'a> Open<'a> {
    /// The container that `term` is, or the bytes of a term that holds no others.
    fn new(term: Term<'a>) -> Result<Self, usize> {
        let (rest, bytes) = match term.get_type() {
            TermType::List if !term.is_empty_list() => (Rest::Cells(term), 0),
            TermType::Tuple => {
                let items = get_tuple(term).unwrap_or_default();
                let bytes = (items.len() + 1) * WORD;
                (Rest::Items(items), bytes)
            }
            TermType::Map => {
                let items: Vec<_> = MapIterator::new(term)
                    .into_iter()
                    .flatten()
                    .flat_map(|(key, value)| [key, value])
                    .collect();
                let bytes = (items.len() + 2) * WORD;
                (Rest::Items(items), bytes)
            }
            TermType::Float => return Err(CELL),
            TermType::Integer => return Err(integer(term)),
            TermType::Binary => return Err(Binary::from_term(term).map_or(CELL, |it| it.len() + CELL)),
            // The empty list and atoms are a word of what holds them; the rest is refused where it is decoded.
            _ => return Err(0),
        };
        Ok(Self {
            word: term.as_c_arg(),
            rest,
            bytes,
        })
    }

    fn next(&mut self) -> Option<Term<'a>> {
        match &mut self.rest {
            Rest::Items(items) => items.pop(),
            Rest::Cells(cells) if cells.is_empty_list() => None,
            Rest::Cells(cells) => {
                if let Ok((head, tail)) = cells.list_get_cell() {
                    *cells = tail;
                    self.add(CELL);
                    return Some(head);
                }
                let end = *cells;
                self.rest = Rest::Items(Vec::new());
                Some(end)
            }
        }
    }

    fn add(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

fn integer(term: Term<'_>) -> usize {
    if term.decode::<i64>().is_ok() {
        WORD
    } else {
        term.to_binary().len()
    }
}

/// Refuses a term that is larger than the bounds allow, or deeper than any value within them.
pub(super) fn check(root: Term<'_>, bounds: &Bounds) -> Result<(), Refusal> {
    let mut known: HashMap<ErlNifTerm, usize> = HashMap::new();
    // A container around the root, so that the root is like every other term.
    let mut open = vec![Open {
        word: root.as_c_arg(),
        rest: Rest::Items(vec![root]),
        bytes: 0,
    }];
    while let Some(container) = open.last_mut() {
        if container.bytes > bounds.max_bytes {
            return Err(Refusal::TooLarge(bounds.max_bytes));
        }
        let Some(term) = container.next() else {
            let (word, bytes) = (container.word, container.bytes);
            known.insert(word, bytes);
            open.pop();
            if let Some(holder) = open.last_mut() {
                holder.add(bytes);
            }
            continue;
        };
        if let Some(bytes) = known.get(&term.as_c_arg()) {
            container.add(*bytes);
            continue;
        }
        match Open::new(term) {
            Ok(inner) => open.push(inner),
            Err(bytes) => container.add(bytes),
        }
        if open.len() > bounds.max_depth.saturating_mul(LEVELS) + LEVELS {
            return Err(Refusal::TooDeep(bounds.max_depth));
        }
    }
    Ok(())
}
