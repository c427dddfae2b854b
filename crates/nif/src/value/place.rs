//! Where in a value something sits, as the text of an error says it.

use std::fmt::{self, Write};

use rustler::{Term, TermType};

use super::text;

/// The root of a place: `inputs["x"]`, `result`, what the caller of the library would call the value.
#[derive(Debug, Clone)]
pub(crate) struct Place(String);

impl Place {
    /// A place with a name of its own, such as `result`.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The input called `name`.
    pub(crate) fn input(name: &str) -> Self {
        Self(format!("inputs[{name:?}]"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One step from a container to what it holds.
pub(super) enum Step<'n, 't> {
    /// The item at an index, counted from zero.
    Index(usize),
    /// The value at a map's key.
    Value(Term<'t>),
    /// The value of a field or attribute.
    Field(&'n str),
    /// A key of a map.
    Key,
    /// An element of a set, which has no index.
    Element,
    /// Steps that are not told.
    More,
}

/// The text of the place that `steps` lead to: `inputs["x"][3]`, `a key of inputs["x"]`. Of a long way the middle is
/// left out.
pub(super) fn describe(root: &Place, mut steps: Vec<Step<'_, '_>>) -> String {
    const SHOWN: usize = 16;
    if steps.len() > SHOWN {
        steps.splice(SHOWN / 2..steps.len() - SHOWN / 2, [Step::More]);
    }
    let mut place = Text {
        text: root.0.clone(),
        phrase: false,
    };
    for step in steps {
        match step {
            Step::Index(index) => place.suffix(format_args!("[{index}]")),
            Step::Value(key) => place.suffix(format_args!("[{}]", Key(key))),
            Step::Field(name) => place.suffix(format_args!("[{name:?}]")),
            Step::More => place.suffix(format_args!("[…]")),
            Step::Key => place.prefix("a key of "),
            Step::Element => place.prefix("an element of "),
        }
    }
    place.text
}

/// A place being described; a phrase such as `a key of x` needs brackets before anything can follow it.
struct Text {
    text: String,
    phrase: bool,
}

impl Text {
    fn suffix(&mut self, suffix: fmt::Arguments<'_>) {
        if self.phrase {
            self.text = format!("({})", self.text);
            self.phrase = false;
        }
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(suffix);
    }

    fn prefix(&mut self, prefix: &str) {
        self.text.insert_str(0, prefix);
        self.phrase = true;
    }
}

/// A map's key as Elixir writes it, when it is short enough to help.
struct Key<'a>(Term<'a>);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 60;
        let shown = match self.0.get_type() {
            TermType::Binary => text::utf8(self.0)
                .filter(|key| key.len() <= LONGEST)
                .map(|key| format!("{key:?}")),
            TermType::Atom => text::atom(self.0).map(|name| format!(":{name}")),
            TermType::Integer => self.0.decode::<i64>().ok().map(|key| key.to_string()),
            _ => None,
        };
        f.write_str(shown.as_deref().unwrap_or("…"))
    }
}
