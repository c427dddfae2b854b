//! The working directory of a paused run.
//!
//! The interpreter has it, with every `os.chdir` so far, in the state of a paused run, and has no accessor for it. What
//! it does have is serde's description of that state, for dumps. A serializer that enters one field and passes over all
//! others finds it at the cost of naming a dozen fields, whatever the run holds.

use std::fmt;

use ::serde::ser::{Error, Impossible, Serialize, SerializeStruct, Serializer};

/// Where a paused function call has the working directory, field by field.
const WAY: [&str; 3] = ["snapshot", "vm_state", "cwd"];

/// The working directory of the run that is paused in `call`, absolute and normalised.
pub(super) fn working_directory(call: &impl Serialize) -> Option<String> {
    call.serialize(Finder { way: &WAY }).ok().flatten()
}

/// Looks for the text at the end of a way.
struct Finder {
    way: &'static [&'static str],
}

/// There is no text at the end of the way.
#[derive(Debug)]
struct Absent;

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the field is not there")
    }
}

impl std::error::Error for Absent {}

impl Error for Absent {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// A struct on the way, and what was found in it.
struct Fields {
    way: &'static [&'static str],
    found: Option<String>,
}

impl SerializeStruct for Fields {
    type Ok = Option<String>;
    type Error = Absent;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Absent> {
        if let Some((next, way)) = self.way.split_first()
            && *next == name
        {
            self.found = value.serialize(Finder { way })?;
        }
        Ok(())
    }

    fn end(self) -> Result<Self::Ok, Absent> {
        Ok(self.found)
    }
}

/// Everything that is neither a struct nor the text is not what was looked for.
macro_rules! absent {
    ($($method:ident($($argument:ty),*))*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<Self::Ok, Absent> { Err(Absent) })*
    };
}

impl Serializer for Finder {
    type Ok = Option<String>;
    type Error = Absent;
    type SerializeSeq = Impossible<Self::Ok, Absent>;
    type SerializeTuple = Impossible<Self::Ok, Absent>;
    type SerializeTupleStruct = Impossible<Self::Ok, Absent>;
    type SerializeTupleVariant = Impossible<Self::Ok, Absent>;
    type SerializeMap = Impossible<Self::Ok, Absent>;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Impossible<Self::Ok, Absent>;

    fn serialize_str(self, text: &str) -> Result<Self::Ok, Absent> {
        Ok(self.way.is_empty().then(|| text.to_owned()))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Absent> {
        Ok(Fields {
            way: self.way,
            found: None,
        })
    }

    absent! {
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_f32(f32)
        serialize_f64(f64) serialize_char(char) serialize_bytes(&[u8]) serialize_none() serialize_unit()
        serialize_unit_struct(&'static str) serialize_unit_variant(&'static str, u32, &'static str)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Self::Ok, Absent> {
        Err(Absent)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<Self::Ok, Absent> {
        Err(Absent)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Self::Ok, Absent> {
        Err(Absent)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Absent> {
        Err(Absent)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Absent> {
        Err(Absent)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Absent> {
        Err(Absent)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Absent> {
        Err(Absent)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Absent> {
        Err(Absent)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Absent> {
        Err(Absent)
    }
}
