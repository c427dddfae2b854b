//! Python values as terms: one pass over the nodes, each made once.

use monty_types::{
    CallArgs, MontyFileHandle, MontyObject,
    unstable::{self, MontyGraph, MontyNode, NodeId},
};
use rustler::{Atom, Encoder, Env, Term, types::atom};

use super::{Bounds, Refusal, ValueError, calendar, dataclass, exception, measure, number, set, text};
use crate::atoms;

/// The term of a Python value, in any environment: a caller's or one of a thread's own.
///
/// What the value shares, the term shares. Refused before anything is built: a value nested deeper than the bounds'
/// depth, and one larger than their size when it is written out in full.
pub(crate) fn encode<'a>(env: Env<'a>, value: &MontyObject, bounds: &Bounds) -> Result<Term<'a>, ValueError> {
    let (graph, root) = unstable::graph_parts(value);
    let terms = terms(env, graph, &[root], bounds)?;
    Ok(terms[root.index()])
}

/// The positional arguments of a call as a list, the others as a map with string keys. The bounds hold for all of
/// them together, and what two arguments share stays shared.
pub(crate) fn encode_call_args<'a>(
    env: Env<'a>,
    args: &CallArgs,
    bounds: &Bounds,
) -> Result<(Term<'a>, Term<'a>), ValueError> {
    let (graph, positional, named) = unstable::call_args_parts(args);
    let mut roots = positional.to_vec();
    roots.extend(named.iter().flat_map(|(name, value)| [*name, *value]));
    let terms = terms(env, graph, &roots, bounds)?;
    let args = list(env, &terms, positional);
    if named
        .iter()
        .any(|(name, _)| !matches!(graph.node(*name), MontyNode::String(_)))
    {
        return Err(Refusal::invalid(
            "a keyword argument whose name is no text cannot leave the interpreter",
        )
        .into());
    }
    let kwargs = map(env, &terms, named)?;
    Ok((args, kwargs))
}

impl From<Refusal> for ValueError {
    /// The refusal of a value that leaves the interpreter: as a whole, so without a place inside it.
    fn from(refusal: Refusal) -> Self {
        Self {
            message: refusal.to_string(),
            refusal,
        }
    }
}

/// The terms of all nodes up to the last of `roots`.
fn terms<'a>(
    env: Env<'a>,
    graph: &MontyGraph,
    roots: &[NodeId],
    bounds: &Bounds,
) -> Result<Vec<Term<'a>>, Refusal> {
    measure::check(graph, roots, bounds)?;
    let count = roots
        .iter()
        .map(|root| root.index() + 1)
        .max()
        .unwrap_or_default();
    let mut terms = Vec::with_capacity(count);
    for node in &graph.nodes()[..count] {
        let term = term(env, graph, &terms, node)?;
        terms.push(term);
    }
    Ok(terms)
}

/// The term of a node whose children's terms are made.
fn term<'a>(
    env: Env<'a>,
    graph: &MontyGraph,
    terms: &[Term<'a>],
    node: &MontyNode,
) -> Result<Term<'a>, Refusal> {
    let tagged = |tag: Atom, text: &str| (tag, text::binary(env, text.as_bytes())).encode(env);
    Ok(match node {
        MontyNode::None => atom::nil().to_term(env),
        MontyNode::Bool(value) => value.encode(env),
        MontyNode::Ellipsis => atoms::ellipsis().to_term(env),
        MontyNode::NotImplemented => atoms::not_implemented().to_term(env),
        MontyNode::Int(value) => value.encode(env),
        MontyNode::BigInt(value) => number::encode_integer(env, value)?,
        MontyNode::Float(value) => number::encode_float(env, *value),
        MontyNode::Complex(value) => number::encode_complex(env, value),
        MontyNode::Decimal(text) => tagged(atoms::decimal(), text),
        MontyNode::String(text) => text::binary(env, text.as_bytes()),
        MontyNode::Bytes(bytes) => (atoms::bytes(), text::binary(env, bytes)).encode(env),
        MontyNode::Path(path) => tagged(atoms::path(), path),
        MontyNode::Date(date) => calendar::encode_date(env, date),
        MontyNode::DateTime(datetime) => calendar::encode_datetime(env, datetime),
        MontyNode::Time(time) => calendar::encode_time(env, time),
        MontyNode::TimeDelta(delta) => calendar::encode_timedelta(env, delta),
        MontyNode::TimeZone(zone) => calendar::encode_timezone(env, zone),
        MontyNode::Exception { exc_type, arg } => exception::encode_instance(env, *exc_type, arg.as_deref()),
        MontyNode::Type(known) => tagged(atoms::type_(), known.name()),
        MontyNode::ClassType(class) => tagged(atoms::type_(), &class.name),
        MontyNode::Function { name, .. } => tagged(atoms::function(), name),
        MontyNode::BuiltinFunction(function) => {
            tagged(atoms::repr(), &format!("<built-in function {function}>"))
        }
        MontyNode::FileHandle(handle) => file_handle(env, handle),
        MontyNode::Repr(text) => match class_name(text) {
            Some(name) => tagged(atoms::type_(), name),
            None => tagged(atoms::repr(), text),
        },
        MontyNode::Cycle(text) => tagged(atoms::cycle(), text),
        MontyNode::List(items) => list(env, terms, items),
        MontyNode::Tuple(items) => rustler::types::tuple::make_tuple(env, &held(terms, items)),
        MontyNode::Set(items) => map_set(env, terms, items)?,
        MontyNode::FrozenSet(items) => (atoms::frozenset(), map_set(env, terms, items)?).encode(env),
        MontyNode::Dict(pairs) => map(env, terms, pairs)?,
        MontyNode::NamedTuple {
            type_name,
            field_names,
            values,
        } => {
            let values = held(terms, values);
            let fields = field_names.iter().map(|name| text::binary(env, name.as_bytes()));
            let fields: Vec<_> = fields.zip(values).collect();
            (
                atoms::named_tuple(),
                text::binary(env, type_name.as_bytes()),
                fields,
            )
                .encode(env)
        }
        MontyNode::ClassInstance {
            class_type,
            instance_id,
            attrs,
        } => dataclass::encode(env, graph, terms, *class_type, *instance_id, attrs)?,
        MontyNode::Module { name, attrs, .. } => (
            atoms::module(),
            text::binary(env, name.as_bytes()),
            map(env, terms, attrs)?,
        )
            .encode(env),
    })
}

fn held<'a>(terms: &[Term<'a>], ids: &[NodeId]) -> Vec<Term<'a>> {
    ids.iter().map(|id| terms[id.index()]).collect()
}

fn list<'a>(env: Env<'a>, terms: &[Term<'a>], ids: &[NodeId]) -> Term<'a> {
    held(terms, ids).encode(env)
}

/// Different keys in Python may be one in Elixir: two exceptions with the same text, two NaNs.
fn map<'a>(env: Env<'a>, terms: &[Term<'a>], pairs: &[(NodeId, NodeId)]) -> Result<Term<'a>, Refusal> {
    let (keys, values): (Vec<_>, Vec<_>) = pairs
        .iter()
        .map(|(key, value)| (terms[key.index()], terms[value.index()]))
        .unzip();
    super::map::build(env, &keys, &values).ok_or_else(|| {
        Refusal::invalid(
            "a dict with two keys that would be the same Elixir key cannot leave the interpreter",
        )
    })
}

fn map_set<'a>(env: Env<'a>, terms: &[Term<'a>], items: &[NodeId]) -> Result<Term<'a>, Refusal> {
    set::encode(env, &held(terms, items)).ok_or_else(|| {
        Refusal::invalid(
            "a set with two elements that would be the same Elixir term cannot leave the interpreter",
        )
    })
}

/// The name in the `repr` of a class. The interpreter sends a builtin type as such, but a class that the script defined
/// as the text that describes it. Nothing else describes itself so: instances leave with their fields, whatever their
/// `__repr__` says.
fn class_name(repr: &str) -> Option<&str> {
    let name = repr.strip_prefix("<class '")?.strip_suffix("'>")?;
    (!name.contains('\'')).then_some(name)
}

fn file_handle<'a>(env: Env<'a>, handle: &MontyFileHandle) -> Term<'a> {
    let fields = [
        (atoms::path(), text::binary(env, handle.path.as_bytes())),
        (atoms::mode(), handle.mode.as_str().encode(env)),
        (atoms::position(), handle.position.encode(env)),
    ];
    (atoms::file_handle(), record(env, &fields)).encode(env)
}

/// A map of fields with distinct names.
pub(super) fn record<'a>(env: Env<'a>, fields: &[(Atom, Term<'a>)]) -> Term<'a> {
    let (names, values): (Vec<_>, Vec<_>) = fields
        .iter()
        .map(|(name, value)| (name.to_term(env), *value))
        .unzip();
    // It fails for a repeated name only.
    Term::map_from_term_arrays(env, &names, &values).unwrap_or_else(|_| Term::map_new(env))
}
