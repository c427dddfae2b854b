//! Terms as Python values.

use std::collections::HashMap;

use monty_types::{
    MontyObject,
    unstable::{self, MontyGraph, MontyNode, NodeId},
};
use rustler::{Binary, MapIterator, Term, TermType};

use super::{
    Bounds, Budget, Place, Refusal, ValueError, calendar, dataclass, exception,
    frame::{Frame, Shape},
    keys::Hashable,
    number,
    place::{Step, describe},
    set, singleton,
    tag::{self, Tagged},
    text, weigh,
};
use crate::atoms;

/// Bytes that each node costs while a value is built: the node, its number in what holds it, and the term it is made
/// of, which waits in a list.
const NODE: usize = size_of::<MontyNode>() + size_of::<NodeId>() + size_of::<Term<'_>>();

/// Binaries from this size on are taken over once, however often a term refers to them.
const LONG_BINARY: usize = 256;

/// The Python value of a term.
///
/// `place` is what the caller of the library calls the value; an error begins with it and says where inside the value
/// the trouble sits: `inputs["x"][3]: a pid cannot become a Python value`. Nothing larger than the bounds allow is
/// built on the way to a refusal.
pub(crate) fn decode(term: Term<'_>, place: &Place, bounds: &Bounds) -> Result<MontyObject, ValueError> {
    weigh::check(term, bounds).map_err(|refusal| refusal.at(place))?;
    let mut decoder = Decoder {
        graph: MontyGraph::new(),
        hashable: Hashable::default(),
        long_binaries: HashMap::new(),
        budget: Budget::new(bounds.max_bytes),
        max_depth: bounds.max_depth,
        frames: Vec::new(),
    };
    let root = decoder.run(term).map_err(|refusal| match refusal {
        // It is the whole value that is too much, not the part that happened to be read last.
        Refusal::TooDeep(_) | Refusal::TooLarge(_) => refusal.at(place),
        Refusal::Invalid(_) | Refusal::Frozen => refusal.at(describe(place, decoder.steps())),
    })?;
    unstable::object_from_graph(decoder.graph, root)
        .map_err(|error| Refusal::invalid(error.to_string()).at(place))
}

struct Decoder<'a> {
    graph: MontyGraph,
    /// Of each node of the graph.
    hashable: Hashable,
    /// Nodes of long binaries, by where their bytes are: these are never copied with a term that refers to them.
    long_binaries: HashMap<(*const u8, usize), NodeId>,
    budget: Budget,
    max_depth: usize,
    /// The containers that are being read, the outermost first.
    frames: Vec<Frame<'a>>,
}

/// A term as far as it can be read without its children.
enum Opened<'a> {
    Leaf(MontyNode),
    /// A node that exists already.
    Known(NodeId),
    Container(Shape, Vec<Term<'a>>),
}

impl<'a> Decoder<'a> {
    fn run(&mut self, root: Term<'a>) -> Result<NodeId, Refusal> {
        self.budget.charge(NODE)?;
        let mut term = root;
        loop {
            let mut done = match self.open(term)? {
                Opened::Leaf(node) => Some(self.push(node)),
                Opened::Known(id) => Some(id),
                Opened::Container(shape, children) => {
                    if self.frames.len() >= self.max_depth {
                        return Err(Refusal::TooDeep(self.max_depth));
                    }
                    self.frames.push(Frame::new(shape, children));
                    None
                }
            };
            term = loop {
                let Some(frame) = self.frames.last_mut() else {
                    // Without a container around it, what is done is the root.
                    return done.ok_or_else(|| Refusal::invalid("no value"));
                };
                if let Some(next) = frame.take(done.take()) {
                    break next;
                }
                done = Some(self.close()?);
            };
        }
    }

    fn push(&mut self, node: MontyNode) -> NodeId {
        self.hashable.push(&node);
        self.graph.push(node)
    }

    /// Takes room for `count` terms before they are gathered.
    fn charge_nodes(&mut self, count: usize) -> Result<(), Refusal> {
        self.budget.charge(count.saturating_mul(NODE))
    }

    /// Takes room for the binaries among `terms`, which are texts and bytes of the value they are part of.
    fn charge_binaries(&mut self, terms: impl IntoIterator<Item = Term<'a>>) -> Result<(), Refusal> {
        terms
            .into_iter()
            .filter_map(|term| Binary::from_term(term).ok())
            .try_for_each(|it| self.budget.charge(it.len()))
    }

    fn open(&mut self, term: Term<'a>) -> Result<Opened<'a>, Refusal> {
        let cannot =
            |what: &'static str| Err(Refusal::invalid(format!("a {what} cannot become a Python value")));
        match term.get_type() {
            TermType::Atom => self.atom(term).map(Opened::Leaf),
            TermType::Binary => self.binary(term),
            TermType::Integer => number::integer(term, &mut self.budget).map(Opened::Leaf),
            TermType::Float => number::float(term)
                .map(|value| Opened::Leaf(MontyNode::Float(value)))
                .ok_or_else(|| Refusal::invalid("a float that cannot be read cannot become a Python value")),
            TermType::List => self.list(term),
            TermType::Tuple => self.tuple(term),
            TermType::Map => self.map(term),
            TermType::Pid => cannot("pid"),
            TermType::Port => cannot("port"),
            TermType::Ref => cannot("reference"),
            TermType::Fun => cannot("function of Elixir"),
            TermType::Unknown => cannot("term of an unknown type"),
        }
    }

    fn atom(&mut self, term: Term<'a>) -> Result<MontyNode, Refusal> {
        if let Some(value) = singleton::node(term) {
            return Ok(value);
        }
        let name = text::atom(term)
            .ok_or_else(|| Refusal::invalid("an atom that cannot be read cannot become a Python value"))?;
        self.budget.charge(name.len())?;
        Ok(MontyNode::String(name))
    }

    fn binary(&mut self, term: Term<'a>) -> Result<Opened<'a>, Refusal> {
        let binary = Binary::from_term(term)
            .map_err(|_| Refusal::invalid("a bitstring that is no binary cannot become a Python value"))?;
        self.budget.charge(binary.len())?;
        let bytes = (binary.as_slice().as_ptr(), binary.len());
        if let Some(known) = self.long_binaries.get(&bytes) {
            return Ok(Opened::Known(*known));
        }
        let node = match std::str::from_utf8(binary.as_slice()) {
            Ok(text) => MontyNode::String(text.to_owned()),
            Err(_) => MontyNode::Bytes(binary.to_vec()),
        };
        if binary.len() < LONG_BINARY {
            return Ok(Opened::Leaf(node));
        }
        let id = self.push(node);
        self.long_binaries.insert(bytes, id);
        Ok(Opened::Known(id))
    }

    fn list(&mut self, term: Term<'a>) -> Result<Opened<'a>, Refusal> {
        let improper = || Refusal::invalid("an improper list cannot become a Python value");
        // The length first, for the budget's sake and because iterating over an improper list panics.
        let length = term.list_length().map_err(|_| improper())?;
        self.charge_nodes(length)?;
        Ok(Opened::Container(
            Shape::List,
            term.into_list_iterator().map_err(|_| improper())?.collect(),
        ))
    }

    fn tuple(&mut self, term: Term<'a>) -> Result<Opened<'a>, Refusal> {
        let items = rustler::types::tuple::get_tuple(term)
            .map_err(|_| Refusal::invalid("a tuple that cannot be read cannot become a Python value"))?;
        self.charge_nodes(items.len())?;
        if items.first().is_some_and(|first| first.is_atom()) {
            self.charge_parts(&items)?;
        }
        Ok(match tag::read(&items)? {
            None => Opened::Container(Shape::Tuple, items),
            Some(Tagged::Leaf(node)) => Opened::Leaf(node),
            Some(Tagged::FrozenSet(elements)) => self.set(Shape::FrozenSet, elements)?,
            Some(Tagged::NamedTuple { name, fields }) => {
                let (fields, values) = fields.into_iter().unzip();
                Opened::Container(Shape::NamedTuple { name, fields }, values)
            }
            Some(Tagged::Module { name, attrs }) => {
                let (attrs, values) = attrs.into_iter().unzip();
                Opened::Container(Shape::Module { name, attrs }, values)
            }
        })
    }

    /// Takes room for what reading a tagged tuple copies: its binaries, and the names and values of its map or list.
    fn charge_parts(&mut self, items: &[Term<'a>]) -> Result<(), Refusal> {
        let tag = items[0];
        let Some(last) = items.last() else { return Ok(()) };
        if atoms::module() == tag || atoms::named_tuple() == tag {
            let count = last
                .map_size()
                .or_else(|_| last.list_length())
                .unwrap_or_default();
            self.charge_nodes(count.saturating_mul(2))?;
        }
        self.charge_binaries(items.iter().copied())?;
        if let Some(fields) = MapIterator::new(*last) {
            return self.charge_binaries(fields.flat_map(|(name, value)| [name, value]));
        }
        self.charge_binaries(tag::pairs(*last).into_iter().flatten().map(|(name, _)| name))
    }

    fn map(&mut self, term: Term<'a>) -> Result<Opened<'a>, Refusal> {
        if let Ok(module) = term.map_get(atoms::struct_key())
            && module.is_atom()
        {
            return self.structure(term, module);
        }
        self.charge_nodes(term.map_size().unwrap_or_default().saturating_mul(2))?;
        let children = MapIterator::new(term)
            .into_iter()
            .flatten()
            .flat_map(|(key, value)| [key, value])
            .collect();
        Ok(Opened::Container(Shape::Dict, children))
    }

    fn structure(&mut self, term: Term<'a>, module: Term<'a>) -> Result<Opened<'a>, Refusal> {
        if atoms::map_set() == module {
            return self.set(Shape::Set, term);
        }
        for (known, read) in [
            (
                atoms::date(),
                calendar::date as fn(Term<'_>) -> Result<MontyNode, Refusal>,
            ),
            (atoms::time_struct(), calendar::time),
            (atoms::naive_date_time(), calendar::naive),
            (atoms::date_time(), calendar::aware),
            (atoms::exception_struct(), exception::instance),
        ] {
            if known == module {
                self.charge_binaries(
                    MapIterator::new(term)
                        .into_iter()
                        .flatten()
                        .map(|(_, value)| value),
                )?;
                return read(term).map(Opened::Leaf);
            }
        }
        if atoms::dataclass_struct() == module {
            if let Ok(fields) = term.map_get(atoms::fields()) {
                self.charge_nodes(fields.map_size().unwrap_or_default().saturating_mul(2))?;
                self.charge_binaries(
                    MapIterator::new(fields)
                        .into_iter()
                        .flatten()
                        .map(|(name, _)| name),
                )?;
            }
            let (instance, values) = dataclass::decode(term)?;
            return Ok(Opened::Container(Shape::Instance(Box::new(instance)), values));
        }
        let name = text::atom(module).unwrap_or_default();
        let name = name.strip_prefix("Elixir.").unwrap_or(&name);
        Err(Refusal::invalid(format!(
            "a %{name}{{}} struct cannot become a Python value"
        )))
    }

    fn set(&mut self, shape: Shape, term: Term<'a>) -> Result<Opened<'a>, Refusal> {
        self.charge_nodes(set::size(term))?;
        Ok(Opened::Container(shape, set::elements(term)?))
    }

    /// Ends the innermost container, all of whose children are read.
    fn close(&mut self) -> Result<NodeId, Refusal> {
        if let Some(frame) = self.frames.last_mut() {
            frame.check_keys(&self.graph, &self.hashable)?;
        }
        // The caller has just looked at it.
        let frame = self
            .frames
            .pop()
            .ok_or_else(|| Refusal::invalid("no container"))?;
        let node = frame.into_node(|node| self.push(node));
        Ok(self.push(node))
    }

    /// The way from the root to the child that is being read.
    fn steps(&self) -> Vec<Step<'_, 'a>> {
        self.frames.iter().filter_map(Frame::step).collect()
    }
}
