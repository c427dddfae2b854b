//! Instances of the host's dataclasses, and of classes that a script defined.
//!
//! Both sides know an instance by its id and its class by another. An instance of a script's class is sent back by its
//! id alone: within the run that made it, it is the very object, as it is now.

use std::hash::{BuildHasher, RandomState};

use monty_types::{
    MontyUuid,
    unstable::{ClassTypeNode, MontyGraph, MontyNode, NodeId},
};
use rustler::{Encoder, Env, MapIterator, Term, types::atom};

use super::{Refusal, text};
use crate::{atoms, error::structure};

/// What an instance is, apart from the values of its fields.
pub(super) struct Instance {
    name: String,
    type_id: MontyUuid,
    id: MontyUuid,
    origin: Origin,
    pub(super) field_names: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Host,
    Sandbox,
}

/// Reads `%ExMonty.Dataclass{}`: the instance, and the values of its fields in order.
pub(super) fn decode(term: Term<'_>) -> Result<(Instance, Vec<Term<'_>>), Refusal> {
    let field = |name| term.map_get(name).map_err(|_| malformed("lacks a field"));
    if atom::true_() == field(atoms::frozen())? {
        return Err(Refusal::Frozen);
    }
    let name = text::given(field(atoms::name())?).ok_or_else(|| malformed("has no name"))?;
    let origin = match field(atoms::origin())? {
        origin if atoms::host() == origin => Origin::Host,
        origin if atoms::sandbox() == origin => Origin::Sandbox,
        _ => return Err(malformed("has an origin other than :host and :sandbox")),
    };
    let id = uuid(field(atoms::id())?, origin, fresh_id)?;
    let type_id = uuid(field(atoms::type_id())?, origin, || class_id(&name))?;
    let (field_names, values) = match origin {
        // The script's object has its own fields; what the host's copy says of them is not looked at.
        Origin::Sandbox => (Vec::new(), Vec::new()),
        Origin::Host => fields(field(atoms::fields())?, field(atoms::field_names())?)?,
    };
    Ok((
        Instance {
            name,
            type_id,
            id,
            origin,
            field_names,
        },
        values,
    ))
}

fn malformed(what: &str) -> Refusal {
    Refusal::invalid(format!(
        "an %ExMonty.Dataclass{{}} that {what} cannot become a Python value"
    ))
}

/// An id given as text; the host may leave its own ones out.
fn uuid(term: Term<'_>, origin: Origin, missing: impl FnOnce() -> MontyUuid) -> Result<MontyUuid, Refusal> {
    if atom::nil() == term && origin == Origin::Host {
        return Ok(missing());
    }
    text::utf8(term)
        .and_then(MontyUuid::parse)
        .ok_or_else(|| malformed("has an id that is no UUID"))
}

/// The fields in the order of `field_names`, or in the order of their names where that is nil.
fn fields<'a>(fields: Term<'a>, field_names: Term<'a>) -> Result<(Vec<String>, Vec<Term<'a>>), Refusal> {
    let mut given: Vec<_> = named(fields).ok_or_else(|| malformed("has a field name that is no text"))?;
    given.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    if given.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(malformed("has a field twice, as an atom and as a string"));
    }
    if atom::nil() == field_names {
        return Ok(given.into_iter().unzip());
    }
    let unlisted = || malformed("does not list each of its fields once in field_names");
    if field_names.list_length().map_err(|_| unlisted())? != given.len() {
        return Err(unlisted());
    }
    let names = field_names.into_list_iterator().map_err(|_| unlisted())?;
    let mut ordered = Vec::with_capacity(given.len());
    for name in names {
        let name = text::given(name).ok_or_else(unlisted)?;
        let index = given
            .binary_search_by(|(known, _)| known.cmp(&name))
            .map_err(|_| unlisted())?;
        let value = given[index].1;
        ordered.push((name, value));
    }
    let mut listed: Vec<_> = ordered.iter().map(|(name, _)| name).collect();
    listed.sort_unstable();
    listed.dedup();
    if listed.len() != given.len() {
        return Err(unlisted());
    }
    Ok(ordered.into_iter().unzip())
}

/// The entries of a map whose keys are names.
pub(super) fn named(map: Term<'_>) -> Option<Vec<(String, Term<'_>)>> {
    MapIterator::new(map)?
        .map(|(name, value)| Some((text::given(name)?, value)))
        .collect()
}

/// An identity of the host's that nothing else has. Each hasher has random keys of its own.
pub(super) fn fresh_id() -> MontyUuid {
    let half = |salt: u8| RandomState::new().hash_one(salt).to_be_bytes();
    MontyUuid::from_random_bytes(joined(half(0), half(1)))
}

/// The identity of a class that the host knows by its name only. It must be the same from value to value and from node
/// to node, so it is made of the name: two FNV-1a sums.
fn class_id(name: &str) -> MontyUuid {
    let sum = |basis: u64| {
        let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        name.bytes().fold(basis, step).to_be_bytes()
    };
    MontyUuid::from_random_bytes(joined(sum(0xcbf2_9ce4_8422_2325), sum(0x6c62_272e_07bb_0142)))
}

fn joined(first: [u8; 8], second: [u8; 8]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&first);
    bytes[8..].copy_from_slice(&second);
    bytes
}

impl Instance {
    /// The nodes of the instance, which needs those of its class and its field names.
    pub(super) fn nodes(self, values: Vec<NodeId>, mut push: impl FnMut(MontyNode) -> NodeId) -> MontyNode {
        let class_type = push(MontyNode::ClassType(Box::new(ClassTypeNode {
            name: self.name,
            id: self.type_id,
            host_defined: self.origin == Origin::Host,
            is_dataclass: true,
            attrs: Vec::new(),
        })));
        let names = self
            .field_names
            .into_iter()
            .map(|name| push(MontyNode::String(name)));
        MontyNode::ClassInstance {
            class_type,
            instance_id: self.id,
            attrs: names.zip(values).collect(),
        }
    }
}

/// `%ExMonty.Dataclass{}`; `terms` are those of the graph's nodes so far.
pub(super) fn encode<'a>(
    env: Env<'a>,
    graph: &MontyGraph,
    terms: &[Term<'a>],
    class_type: NodeId,
    id: MontyUuid,
    attrs: &[(NodeId, NodeId)],
) -> Result<Term<'a>, Refusal> {
    let MontyNode::ClassType(class) = graph.node(class_type) else {
        return Err(Refusal::invalid(
            "an instance without a class cannot leave the interpreter",
        ));
    };
    let origin = if class.host_defined {
        atoms::host()
    } else {
        atoms::sandbox()
    };
    let names: Vec<_> = attrs.iter().map(|(name, _)| terms[name.index()]).collect();
    let values: Vec<_> = attrs.iter().map(|(_, value)| terms[value.index()]).collect();
    let fields = super::map::build(env, &names, &values).ok_or_else(|| {
        Refusal::invalid("an instance with two attributes of one name cannot leave the interpreter")
    })?;
    Ok(structure(
        env,
        atoms::dataclass_struct(),
        &[
            (atoms::name(), text::binary(env, class.name.as_bytes())),
            (atoms::fields(), fields),
            (atoms::field_names(), names.encode(env)),
            (atoms::type_id(), class.id.to_string().encode(env)),
            (atoms::frozen(), atom::false_().to_term(env)),
            (atoms::id(), id.to_string().encode(env)),
            (atoms::origin(), origin.to_term(env)),
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::{class_id, fresh_id};

    #[test]
    fn a_class_id_depends_on_the_name_alone() {
        assert_eq!(class_id("Point"), class_id("Point"));
        assert_ne!(class_id("Point"), class_id("Points"));
    }

    #[test]
    fn fresh_ids_differ() {
        assert_ne!(fresh_id(), fresh_id());
    }
}
