//! Values of Rust, through serde, to what crosses: JSON text where JSON has a form for all of it, else the binary form.
//!
//! JSON is written first. Where it would lose something, writing begins again in the binary form.

use belljar_abi::values::MAGIC;
use serde::ser::{self, Impossible, Serialize, Serializer};

use super::form::{Binary, Failed, Form, Json, Kind, Written};
use super::{IS_ASKED, RAW_TOKEN, TOKEN, js};

/// Room for the JSON of a small value.
pub(super) const FIRST_BYTES: usize = 128;
/// Up to here every integer is a number of JavaScript.
const SAFE: u64 = (1 << 53) - 1;

/// Appends what crosses of a value.
pub(super) fn onto(bytes: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), String> {
    let start = bytes.len();
    match value.serialize(To::new(&mut Json { out: bytes })) {
        Ok(()) => return Ok(()),
        Err(Failed::NoJson) => bytes.truncate(start),
        Err(Failed::Message(why)) => return Err(why),
    }
    bytes.push(MAGIC);
    let mut binary = Binary { out: bytes, objects: 0 };
    value.serialize(To::new(&mut binary)).map_err(|failed| failed.to_string())?;
    if bytes.get(start..) == Some(&super::UNDEFINED) {
        bytes.truncate(start);
    }
    Ok(())
}

/// What the value that is written next is meant to be.
#[derive(Clone, Copy, PartialEq)]
enum Meant {
    /// What serde takes it for.
    Itself,
    /// The bytes or the text of a value that is passed on.
    Wire,
    Map,
    Set,
}

/// Writes one value.
struct To<'a, F> {
    form: &'a mut F,
    meant: Meant,
}

impl<'a, F: Form> To<'a, F> {
    fn new(form: &'a mut F) -> To<'a, F> {
        To { form, meant: Meant::Itself }
    }

    fn begin(self, kind: Kind, is_variant: bool) -> Result<Members<'a, F>, Failed> {
        let kind = match (self.meant, kind) {
            (Meant::Map, Kind::Object) => Kind::Map,
            (Meant::Set, Kind::Array) => Kind::Set,
            (_, kind) => kind,
        };
        let mark = self.form.open(kind)?;
        Ok(Members { form: self.form, mark: Some(mark), kind, is_first: true, is_variant })
    }

    /// Begins an object with one member, the name of a variant.
    fn variant(self, variant: &str, kind: Kind) -> Result<Members<'a, F>, Failed> {
        self.form.open(Kind::Object)?;
        self.form.name(variant)?;
        To::new(self.form).begin(kind, true)
    }
}

macro_rules! integers {
    ($($name:ident: $type:ty),+ $(,)?) => {
        $(fn $name(self, value: $type) -> Written {
            match i64::try_from(value) {
                Ok(int) if int.unsigned_abs() <= SAFE => self.form.int(int),
                _ => self.form.big(format_args!("{value}")),
            }
        })+
    };
}

impl<'a, F: Form> Serializer for To<'a, F> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Members<'a, F>;
    type SerializeTuple = Members<'a, F>;
    type SerializeTupleStruct = Members<'a, F>;
    type SerializeTupleVariant = Members<'a, F>;
    type SerializeMap = Members<'a, F>;
    type SerializeStruct = Members<'a, F>;
    type SerializeStructVariant = Members<'a, F>;

    fn serialize_bool(self, value: bool) -> Written {
        self.form.bool(value)
    }

    integers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    );

    fn serialize_f32(self, value: f32) -> Written {
        self.form.float(value.into())
    }

    fn serialize_f64(self, value: f64) -> Written {
        self.form.float(value)
    }

    fn serialize_char(self, value: char) -> Written {
        self.form.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Written {
        if self.meant == Meant::Wire { self.form.wire(value.as_bytes()) } else { self.form.text(value) }
    }

    fn serialize_bytes(self, value: &[u8]) -> Written {
        if self.meant == Meant::Wire { self.form.wire(value) } else { self.form.bytes(value) }
    }

    fn serialize_none(self) -> Written {
        self.form.null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.form.null()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.form.null()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        self.form.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(mut self, name: &'static str, value: &T) -> Written {
        self.meant = match name {
            TOKEN => {
                IS_ASKED.set(true);
                let written = value.serialize(To { form: self.form, meant: Meant::Wire });
                IS_ASKED.set(false);
                return written;
            }
            js::MAP => Meant::Map,
            js::SET => Meant::Set,
            _ => Meant::Itself,
        };
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        self.form.open(Kind::Object)?;
        self.form.name(variant)?;
        value.serialize(To::new(self.form))?;
        self.form.close(Kind::Object)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a, F>, Failed> {
        self.begin(Kind::Array, false)
    }

    fn serialize_tuple(self, _: usize) -> Result<Members<'a, F>, Failed> {
        self.begin(Kind::Array, false)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Members<'a, F>, Failed> {
        self.begin(Kind::Array, false)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a, F>, Failed> {
        self.variant(variant, Kind::Array)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a, F>, Failed> {
        self.begin(Kind::Object, false)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Members<'a, F>, Failed> {
        if name != RAW_TOKEN {
            return self.begin(Kind::Object, false);
        }
        // JSON text that `serde_json` passes on, as the one field of this struct. Nothing is open.
        Ok(Members { form: self.form, mark: None, kind: Kind::Object, is_first: true, is_variant: false })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a, F>, Failed> {
        self.variant(variant, Kind::Object)
    }
}

/// Writes the members of an object.
pub(super) struct Members<'a, F: Form> {
    form: &'a mut F,
    /// None where the one member is written in place of the object.
    mark: Option<F::Mark>,
    kind: Kind,
    is_first: bool,
    /// Whether the object is the one member of another.
    is_variant: bool,
}

impl<F: Form> Members<'_, F> {
    fn next(&mut self) -> Written {
        if self.is_first {
            self.is_first = false;
            return Ok(());
        }
        self.form.comma()
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.next()?;
        value.serialize(To::new(self.form))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Written {
        if self.mark.is_none() {
            return value.serialize(To { form: self.form, meant: Meant::Wire });
        }
        self.next()?;
        self.form.name(name)?;
        value.serialize(To::new(self.form))
    }

    fn finish(self) -> Written {
        if self.mark.is_some() {
            self.form.close(self.kind)?;
        }
        if self.is_variant { self.form.close(Kind::Object) } else { Ok(()) }
    }
}

macro_rules! lists {
    ($($trait:ident $method:ident),+) => {
        $(impl<F: Form> ser::$trait for Members<'_, F> {
            type Ok = ();
            type Error = Failed;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.element(value)
            }

            fn end(self) -> Written {
                self.finish()
            }
        })+
    };
}

lists!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

macro_rules! structs {
    ($($trait:ident),+) => {
        $(impl<F: Form> ser::$trait for Members<'_, F> {
            type Ok = ();
            type Error = Failed;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Written {
                self.field(name, value)
            }

            fn end(self) -> Written {
                self.finish()
            }
        })+
    };
}

structs!(SerializeStruct, SerializeStructVariant);

impl<F: Form> ser::SerializeMap for Members<'_, F> {
    type Ok = ();
    type Error = Failed;

    /// An object has names. With the first key that is none, it is a Map, to which a name is a key like any other.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        self.next()?;
        if self.kind != Kind::Map {
            match (key.serialize(Name { form: self.form }), self.mark) {
                (Err(Failed::NoJson), Some(mark)) => {
                    self.form.change(mark, Kind::Map)?;
                    self.kind = Kind::Map;
                }
                (written, _) => return written,
            }
        }
        key.serialize(To::new(self.form))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(To::new(self.form))
    }

    fn end(self) -> Written {
        self.finish()
    }
}

/// Writes a key as the name of a member, if it can be one.
struct Name<'a, F> {
    form: &'a mut F,
}

macro_rules! names {
    ($($name:ident: $type:ty),+ $(,)?) => {
        $(fn $name(self, value: $type) -> Written {
            self.form.name(&value.to_string())
        })+
    };
}

macro_rules! no_names {
    ($($name:ident($($type:ty),*) -> $result:ty,)+) => {
        $(fn $name(self, $(_: $type),*) -> Result<$result, Failed> {
            Err(Failed::NoJson)
        })+
    };
}

impl<F: Form> Serializer for Name<'_, F> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Impossible<(), Failed>;
    type SerializeTuple = Impossible<(), Failed>;
    type SerializeTupleStruct = Impossible<(), Failed>;
    type SerializeTupleVariant = Impossible<(), Failed>;
    type SerializeMap = Impossible<(), Failed>;
    type SerializeStruct = Impossible<(), Failed>;
    type SerializeStructVariant = Impossible<(), Failed>;

    names!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_char: char,
    );

    no_names!(
        serialize_f32(f32) -> (),
        serialize_f64(f64) -> (),
        serialize_bytes(&[u8]) -> (),
        serialize_none() -> (),
        serialize_unit() -> (),
        serialize_unit_struct(&'static str) -> (),
        serialize_seq(Option<usize>) -> Impossible<(), Failed>,
        serialize_tuple(usize) -> Impossible<(), Failed>,
        serialize_tuple_struct(&'static str, usize) -> Impossible<(), Failed>,
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Impossible<(), Failed>,
        serialize_map(Option<usize>) -> Impossible<(), Failed>,
        serialize_struct(&'static str, usize) -> Impossible<(), Failed>,
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Impossible<(), Failed>,
    );

    fn serialize_str(self, name: &str) -> Written {
        self.form.name(name)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Written {
        Err(Failed::NoJson)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        self.form.name(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Written {
        if matches!(name, TOKEN | js::MAP | js::SET) { Err(Failed::NoJson) } else { value.serialize(self) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Written {
        Err(Failed::NoJson)
    }
}
