//! Arguments, as a Python function with a signature reads them.

use ::monty_types::unstable::{self, MontyNode};
use ::monty_types::{CallArgs, ExcType, ObjectRef};

use crate::monty::answer::Fault;
use crate::monty::exception::raised;

/// What a function may be called with.
pub(super) struct Signature {
    pub(super) name: &'static str,
    /// The parameters that may be given by position, those without a default first.
    pub(super) positional: &'static [&'static str],
    /// How many of them have no default.
    pub(super) required: usize,
    pub(super) keyword_only: &'static [&'static str],
}

/// The arguments of a call by parameter.
pub(super) struct Bound<'a> {
    signature: &'a Signature,
    values: Vec<Option<ObjectRef<'a>>>,
}

impl Signature {
    /// Sorts the arguments of a call by parameter; `TypeError` where they do not fit, as Python says it.
    pub(super) fn bind<'a>(&'a self, args: &'a CallArgs) -> Result<Bound<'a>, Fault> {
        let (name, positional) = (self.name, self.positional.len());
        let given = args.args().len();
        let mut values: Vec<_> = args.args().take(positional).map(Some).collect();
        values.resize(positional + self.keyword_only.len(), None);
        let mut keywords = 0;
        for (keyword, value) in args.kwargs() {
            let keyword = keyword.as_str().unwrap_or_default();
            let Some(index) = self.parameters().position(|parameter| parameter == keyword) else {
                let text = format!("{name}() got an unexpected keyword argument '{keyword}'");
                return Err(wrong(text));
            };
            if values[index].replace(value).is_some() {
                let text = format!("{name}() got multiple values for argument '{keyword}'");
                return Err(wrong(text));
            }
            keywords += usize::from(index >= positional);
        }
        if given > positional {
            return Err(wrong(self.too_many(given, keywords)));
        }
        let absent = |(parameter, value): (&&str, &Option<_>)| match value {
            None => Some(format!("'{parameter}'")),
            Some(_) => None,
        };
        let required = self.positional[..self.required].iter().zip(&values);
        let missing: Vec<String> = required.filter_map(absent).collect();
        match missing.as_slice() {
            [] => Ok(Bound {
                signature: self,
                values,
            }),
            [one] => Err(wrong(format!(
                "{name}() missing 1 required positional argument: {one}"
            ))),
            [some @ .., last] => Err(wrong(format!(
                "{name}() missing {} required positional arguments: {} and {last}",
                missing.len(),
                some.join(", ")
            ))),
        }
    }

    fn parameters(&self) -> impl Iterator<Item = &str> {
        self.positional.iter().chain(self.keyword_only).copied()
    }

    fn too_many(&self, given: usize, keywords: usize) -> String {
        let most = self.positional.len();
        let takes = if self.required < most {
            format!("from {} to {most}", self.required)
        } else {
            most.to_string()
        };
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let also = match keywords {
            0 => String::new(),
            _ => format!(
                " positional argument{} (and {keywords} keyword-only argument{})",
                plural(given),
                plural(keywords)
            ),
        };
        let were = if given == 1 && keywords == 0 {
            "was"
        } else {
            "were"
        };
        format!(
            "{}() takes {takes} positional argument{} but {given}{also} {were} given",
            self.name,
            if self.required < most { "s" } else { plural(most) }
        )
    }
}

/// A path as it was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct GivenPath<'a> {
    pub(super) text: &'a str,
    /// Whether it was a `pathlib.Path` and not a `str`.
    pub(super) is_path: bool,
}

impl<'a> Bound<'a> {
    /// The argument of a parameter, `None` where its default holds.
    pub(super) fn get(&self, parameter: &str) -> Option<ObjectRef<'a>> {
        let index = self.signature.parameters().position(|known| known == parameter)?;
        self.values[index]
    }

    /// The argument, unless it is None.
    pub(super) fn some(&self, parameter: &str) -> Option<ObjectRef<'a>> {
        self.get(parameter).filter(|value| !is_none(*value))
    }

    /// Whether the argument is true; `default` where it is not given.
    pub(super) fn flag(&self, parameter: &str, default: bool) -> bool {
        self.get(parameter).map_or(default, |value| value.is_truthy())
    }

    /// The path that is given for a required parameter. What is no path is a `TypeError`, which says before the type
    /// what Python's function says.
    pub(super) fn path(&self, parameter: &str, expected: &str) -> Result<GivenPath<'a>, Fault> {
        match self.get(parameter) {
            Some(value) => self.as_path(parameter, value, expected),
            None => Err(wrong(format!("{}() needs '{parameter}'", self.signature.name))),
        }
    }

    /// `value` as a path.
    pub(super) fn as_path(
        &self,
        parameter: &str,
        value: ObjectRef<'a>,
        expected: &str,
    ) -> Result<GivenPath<'a>, Fault> {
        match unstable::node(value) {
            MontyNode::String(text) => Ok(GivenPath { text, is_path: false }),
            MontyNode::Path(text) => Ok(GivenPath { text, is_path: true }),
            MontyNode::Bytes(_) => Err(self.unsupported(parameter, "a path of bytes")),
            _ => Err(wrong(format!("{expected}, not {}", value.type_name()))),
        }
    }

    /// Refuses whatever is given for a parameter but None.
    pub(super) fn refuse(&self, parameter: &str, what: &str) -> Result<(), Fault> {
        match self.some(parameter) {
            None => Ok(()),
            Some(_) => Err(self.unsupported(parameter, what)),
        }
    }

    /// `NotImplementedError`, naming the argument.
    pub(super) fn unsupported(&self, parameter: &str, what: &str) -> Fault {
        Fault::Raise(raised(
            ExcType::NotImplementedError,
            format!(
                "{}() argument '{parameter}': {what} is not supported here",
                self.signature.name
            ),
        ))
    }
}

pub(super) fn wrong(text: String) -> Fault {
    Fault::Raise(raised(ExcType::TypeError, text))
}

fn is_none(value: ObjectRef<'_>) -> bool {
    matches!(unstable::node(value), MontyNode::None)
}
