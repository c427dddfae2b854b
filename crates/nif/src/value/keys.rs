//! What may be a key: in Python, only what can be hashed; and keys that differ in Elixir may be one key in Python.
//!
//! Both questions are answered before the value reaches the interpreter. An unhashable key would be refused there only
//! after the paused run is used up, and of `%{1 => "a", 1.0 => "b"}` one entry would be lost without a word.

use std::collections::{HashMap, HashSet};

use monty_types::{
    MontyDateTime, MontyTime,
    unstable::{MontyGraph, MontyNode, NodeId},
};
use num_bigint::BigInt;

use super::number::Finite;

/// Which nodes of a graph under construction can be hashed.
#[derive(Default)]
pub(super) struct Hashable(Vec<bool>);

impl Hashable {
    /// Takes note of the next node.
    pub(super) fn push(&mut self, node: &MontyNode) {
        let hashable = match node {
            MontyNode::Tuple(items) | MontyNode::NamedTuple { values: items, .. } => {
                items.iter().all(|item| self.contains(*item))
            }
            MontyNode::List(_)
            | MontyNode::Set(_)
            | MontyNode::Dict(_)
            | MontyNode::Exception { .. }
            | MontyNode::FileHandle(_) => false,
            MontyNode::Decimal(text) => !text.to_ascii_lowercase().contains("snan"),
            // Of an instance of the script's own class only the script knows. A host's class compares by value, and
            // what does cannot be hashed in Python; its class node is the one before it.
            MontyNode::ClassInstance { class_type, .. } => self.contains(*class_type),
            MontyNode::ClassType(class) => !class.host_defined,
            _ => true,
        };
        self.0.push(hashable);
    }

    pub(super) fn contains(&self, id: NodeId) -> bool {
        self.0.get(id.index()).copied().unwrap_or_default()
    }
}

/// Whether two of `keys` are equal in Python.
pub(super) fn collide(graph: &MontyGraph, keys: &[NodeId]) -> bool {
    let mut classes = Classes::default();
    let mut seen = HashSet::with_capacity(keys.len());
    keys.iter().any(|key| !seen.insert(classes.of(graph, *key)))
}

/// Numbers the values met so far, equal ones alike. A container's form is made of its items' numbers, so that deep keys
/// cost no more than their nodes.
#[derive(Default)]
struct Classes {
    numbers: HashMap<Form, u32>,
    nodes: HashMap<NodeId, u32>,
}

impl Classes {
    fn of(&mut self, graph: &MontyGraph, id: NodeId) -> u32 {
        // Items before what holds them, on a stack of our own: the scheduler's is small.
        let mut pending = vec![(id, false)];
        while let Some((id, items_are_known)) = pending.pop() {
            if self.nodes.contains_key(&id) {
                continue;
            }
            if !items_are_known {
                pending.push((id, true));
                graph
                    .node(id)
                    .for_each_child(|child| pending.push((child, false)));
                continue;
            }
            let form = Form::of(graph.node(id), id, &self.nodes);
            let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
            let number = *self.numbers.entry(form).or_insert(next);
            self.nodes.insert(id, number);
        }
        self.nodes.get(&id).copied().unwrap_or(u32::MAX)
    }
}

/// Bytes that two hashable values have in common exactly when they are equal in Python.
#[derive(Default, PartialEq, Eq, Hash)]
struct Form(Vec<u8>);

impl Form {
    fn of(node: &MontyNode, id: NodeId, known: &HashMap<NodeId, u32>) -> Self {
        let mut form = Self::default();
        form.add(node, id, known);
        form
    }

    /// Each part says how long it is, so that no two sequences of parts run together.
    fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.0.push(kind);
        self.0.extend(bytes.len().to_le_bytes());
        self.0.extend(bytes);
    }

    fn add(&mut self, node: &MontyNode, id: NodeId, known: &HashMap<NodeId, u32>) {
        let items = |ids: &[NodeId]| {
            ids.iter()
                .filter_map(|id| known.get(id).copied())
                .collect::<Vec<_>>()
        };
        match node {
            MontyNode::Bool(value) => self.real(&i64::from(*value).into(), 0),
            MontyNode::Int(value) => self.real(&(*value).into(), 0),
            MontyNode::BigInt(value) => self.real(value, 0),
            MontyNode::Float(value) => self.float(*value, id),
            MontyNode::Complex(value) if value.imag == 0.0 => self.float(value.real, id),
            MontyNode::Complex(value) => {
                self.part(b'j', &[]);
                self.float(value.real, id);
                self.float(value.imag, id);
            }
            MontyNode::Decimal(text) => self.decimal(text, id),
            MontyNode::String(text) => self.part(b's', text.as_bytes()),
            MontyNode::Bytes(bytes) => self.part(b'b', bytes),
            MontyNode::Path(path) => self.path(path),
            MontyNode::Date(date) => self.part(b'd', format!("{date:?}").as_bytes()),
            MontyNode::DateTime(datetime) => self.datetime(datetime),
            MontyNode::Time(time) => self.time(time),
            MontyNode::TimeDelta(delta) => self.part(b'D', format!("{delta:?}").as_bytes()),
            MontyNode::TimeZone(zone) => self.part(b'z', &zone.offset_seconds.to_le_bytes()),
            MontyNode::Function { name, .. } => self.part(b'F', name.as_bytes()),
            // A named tuple equals the tuple of its values.
            MontyNode::Tuple(ids) | MontyNode::NamedTuple { values: ids, .. } => {
                self.numbers(b't', &items(ids));
            }
            MontyNode::FrozenSet(ids) => {
                let mut numbers = items(ids);
                numbers.sort_unstable();
                self.numbers(b'f', &numbers);
            }
            MontyNode::ClassInstance { instance_id: id, .. } | MontyNode::Module { id, .. } => {
                self.part(b'c', id.as_bytes());
            }
            // What is left has one value of its kind, or cannot be a key.
            node => self.part(b'x', format!("{:?}", std::mem::discriminant(node)).as_bytes()),
        }
    }

    fn numbers(&mut self, kind: u8, numbers: &[u32]) {
        let bytes: Vec<_> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.part(kind, &bytes);
    }

    /// A value that equals nothing, not even itself.
    fn unequal(&mut self, id: NodeId) {
        self.part(b'u', &id.0.to_le_bytes());
    }

    /// The number `coefficient` × 10^`exponent`.
    fn real(&mut self, coefficient: &BigInt, exponent: i128) {
        // Wider than any float and any decimal that the interpreter accepts: only an equal integer is equal, and its
        // digits would take long to write.
        const WIDEST: u64 = 1 << 15;
        if coefficient.bits() > WIDEST {
            return self.part(b'i', &coefficient.to_signed_bytes_le());
        }
        let (sign, digits) = coefficient.to_string().strip_prefix('-').map_or_else(
            || ("", coefficient.to_string()),
            |digits| ("-", digits.to_owned()),
        );
        self.digits(sign, &digits, exponent);
    }

    fn digits(&mut self, sign: &str, digits: &str, exponent: i128) {
        let digits = digits.trim_start_matches('0');
        let kept = digits.trim_end_matches('0');
        if kept.is_empty() {
            return self.part(b'n', b"0");
        }
        let exponent = exponent + i128::try_from(digits.len() - kept.len()).unwrap_or_default();
        self.part(b'n', format!("{sign}{kept}e{exponent}").as_bytes());
    }

    fn float(&mut self, value: f64, id: NodeId) {
        if value.is_nan() {
            self.unequal(id);
        } else if value.is_infinite() {
            self.infinity(value < 0.0);
        } else {
            let (mantissa, exponent) = parts(value);
            let five_or_two = BigInt::from(if exponent < 0 { 5 } else { 2 }).pow(exponent.unsigned_abs());
            self.real(&(mantissa * five_or_two), exponent.min(0).into());
        }
    }

    fn infinity(&mut self, negative: bool) {
        self.part(b'n', if negative { b"-inf" } else { b"inf" });
    }

    fn decimal(&mut self, text: &str, id: NodeId) {
        let text = text.trim().replace('_', "").to_ascii_lowercase();
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => ("-", unsigned),
            None => ("", text.strip_prefix('+').unwrap_or(&text)),
        };
        match Finite::parse(unsigned) {
            Some(finite) => self.digits(sign, &finite.digits, finite.exponent),
            None if unsigned.starts_with("inf") => self.infinity(sign == "-"),
            None => self.unequal(id),
        }
    }

    /// `Path("a//./b")` equals `Path("a/b")`.
    fn path(&mut self, path: &str) {
        let parts: Vec<_> = path
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        self.part(b'p', &[u8::from(path.starts_with('/'))]);
        self.part(b'p', parts.join("/").as_bytes());
    }

    fn datetime(&mut self, at: &MontyDateTime) {
        let clock = wall_seconds(at.hour, at.minute, at.second);
        let seconds = days_from_civil(at.year, at.month, at.day) * 86_400 + clock;
        self.moment(b'a', seconds, at.offset_seconds, at.microsecond);
    }

    fn time(&mut self, at: &MontyTime) {
        self.moment(
            b'o',
            wall_seconds(at.hour, at.minute, at.second),
            at.offset_seconds,
            at.microsecond,
        );
    }

    /// Moments with an offset are equal when they are the same moment, and never equal one without.
    fn moment(&mut self, kind: u8, seconds: i64, offset: Option<i32>, microsecond: u32) {
        let seconds = seconds - i64::from(offset.unwrap_or_default());
        self.part(
            kind,
            format!("{}:{seconds}.{microsecond}", offset.is_some()).as_bytes(),
        );
    }
}

fn wall_seconds(hour: u8, minute: u8, second: u8) -> i64 {
    i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)
}

/// A count of days that is different for every date, and one more for the day after.
fn days_from_civil(year: i32, month: u8, day: u8) -> i64 {
    // Counting years from March puts the leap day at the end of the year.
    let (year, month) = (
        i64::from(year) - i64::from(month <= 2),
        (i64::from(month) + 9) % 12,
    );
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + i64::from(day)
}

/// A finite float as mantissa × 2^exponent.
fn parts(value: f64) -> (BigInt, i32) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    // Eleven bits always fit.
    let biased = i32::try_from((bits >> 52) & 0x7ff).unwrap_or_default();
    let (mantissa, exponent) = if biased == 0 {
        (fraction, -1074)
    } else {
        (fraction | (1 << 52), biased - 1075)
    };
    let mantissa = BigInt::from(mantissa);
    (if value < 0.0 { -mantissa } else { mantissa }, exponent)
}

#[cfg(test)]
mod tests {
    use monty_types::{MontyDateTime, MontyObject, unstable};

    use super::collide;

    fn equal(a: MontyObject, b: MontyObject) -> bool {
        let (graph, root) = unstable::into_graph_parts(MontyObject::list([a, b]));
        let unstable::MontyNode::List(items) = graph.node(root) else {
            unreachable!("a list was built")
        };
        collide(&graph, items)
    }

    fn moment(hour: u8, offset: Option<i32>) -> MontyObject {
        MontyObject::datetime(MontyDateTime {
            year: 2024,
            month: 2,
            day: 29,
            hour,
            minute: 0,
            second: 0,
            microsecond: 5,
            offset_seconds: offset,
            timezone_name: None,
        })
    }

    #[test]
    fn numbers_of_equal_value_are_one_key_whatever_their_type() {
        let ones = [
            MontyObject::bool(true),
            MontyObject::int(1),
            MontyObject::float(1.0),
            MontyObject::complex(1.0, 0.0),
            MontyObject::decimal("1.00"),
            MontyObject::decimal("10e-1"),
        ];
        for a in &ones {
            for b in &ones {
                assert!(equal(a.clone(), b.clone()), "{a} {b}");
            }
        }
        assert!(equal(MontyObject::float(0.5), MontyObject::decimal("0.5")));
        assert!(equal(MontyObject::float(-0.0), MontyObject::int(0)));
        assert!(equal(
            MontyObject::float(1e300),
            MontyObject::bigint(exact(1e300))
        ));
        assert!(equal(
            MontyObject::decimal("-Infinity"),
            MontyObject::float(f64::NEG_INFINITY)
        ));
        assert!(!equal(MontyObject::float(0.1), MontyObject::decimal("0.1")));
        assert!(!equal(MontyObject::int(1), MontyObject::int(-1)));
        assert!(!equal(MontyObject::int(10), MontyObject::int(1)));
        assert!(!equal(MontyObject::float(f64::NAN), MontyObject::float(f64::NAN)));
    }

    fn exact(value: f64) -> num_bigint::BigInt {
        let (mantissa, exponent) = super::parts(value);
        mantissa * num_bigint::BigInt::from(2).pow(exponent.unsigned_abs())
    }

    #[test]
    fn text_bytes_and_paths_are_different_keys() {
        assert!(!equal(MontyObject::string("a"), MontyObject::bytes(*b"a")));
        assert!(!equal(MontyObject::string("a"), MontyObject::path("a")));
        assert!(equal(MontyObject::path("/a//b/."), MontyObject::path("/a/b")));
        assert!(!equal(MontyObject::path("a"), MontyObject::path("/a")));
        assert!(!equal(MontyObject::none(), MontyObject::ellipsis()));
    }

    #[test]
    fn tuples_are_compared_by_their_items_and_frozensets_without_order() {
        let tuple = |items: [i64; 2]| MontyObject::tuple(items.map(MontyObject::int));
        let set = |items: [i64; 2]| MontyObject::frozenset(items.map(MontyObject::int));
        assert!(equal(
            tuple([1, 2]),
            MontyObject::named_tuple("P", ["x", "y"], [1, 2].map(MontyObject::int))
        ));
        assert!(!equal(tuple([1, 2]), tuple([2, 1])));
        assert!(equal(set([1, 2]), set([2, 1])));
        assert!(!equal(set([1, 2]), tuple([1, 2])));
    }

    #[test]
    fn moments_are_compared_with_their_offsets() {
        assert!(equal(moment(12, Some(0)), moment(14, Some(7200))));
        assert!(!equal(moment(12, Some(0)), moment(12, None)));
        assert!(!equal(moment(12, Some(0)), moment(12, Some(60))));
    }
}
