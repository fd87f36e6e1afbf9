//! Objects made from the names of another. It owns the one thing that is written into QuickJS's memory; it must never know where the names come from.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use alloc::vec::Vec;

use rquickjs_sys as sys;

use super::{
    ATOM_IS_INT, CLASS_AT, CLASS_OBJECT, Chars, EXOTIC, FLAGS_AT, FLAGS_SHIFT, KNOWN, ORDINARY, PROPERTIES_AT,
    PROPERTY_ROOM_AT, SHAPE_AT, atom_strings, chars, is_object, pointer, properties, prototype_of, shape_of, word,
};
use crate::qjs::{Atom, Result, Thrown, Value, context, take_exception, throw_type};

/// Members of the largest object that a pattern is made of.
const PATTERN_NAMES: usize = 16;
/// The longest name, so that what patterns hold on to is little, whatever scripts let go of.
const NAME_BYTES: usize = 64;

/// The names of an ordinary object, from which others with the same names are made at once.
///
/// QuickJS shares the shape of an object, its names, among all that have the same. A pattern holds such an object; nobody sees it, so its
/// shape stays what it is.
pub struct Pattern {
    object: Value,
    names: Vec<Name>,
}

struct Name {
    atom: Atom,
    /// The string of the atom, which lives and stays where it is as long as the atom does.
    string: *const u8,
}

impl Name {
    #[inline]
    fn text(&self) -> &[u8] {
        // SAFETY: the atom keeps its string alive.
        match unsafe { chars(self.string) } {
            Some(Chars::Narrow(text)) => text,
            _ => &[],
        }
    }
}

impl Pattern {
    /// The pattern of an object; none when it is not ordinary or memory is short.
    pub fn of(object: &Value) -> Option<Pattern> {
        if !is_object(object.0) {
            return None;
        }
        // SAFETY: the handle keeps the object alive, and nothing here changes it; an atom that is no number has a string.
        let names: Option<Vec<Name>> = unsafe {
            let object = pointer(object.0);
            let all = properties(shape_of(object));
            let is_plain = object.add(CLASS_AT).cast::<u16>().read() == CLASS_OBJECT
                && object.add(FLAGS_AT).read() & EXOTIC == 0
                && prototype_of(object) == KNOWN.get().object_prototype;
            if !is_plain || !(1..=PATTERN_NAMES).contains(&all.len()) {
                return None;
            }
            let name = |&[first, atom]: &[u32; 2]| {
                if first >> FLAGS_SHIFT != ORDINARY || atom == 0 || atom & ATOM_IS_INT != 0 {
                    return None;
                }
                let string = atom_strings().add(atom as usize).read() as usize as *const u8;
                matches!(chars(string), Some(Chars::Narrow(name)) if name.len() <= NAME_BYTES && name.is_ascii())
                    .then(|| Name { atom: Atom(sys::JS_DupAtom(context(), atom)), string })
            };
            all.iter().map(name).collect()
        };
        let names = names?;
        let make = || {
            let copy = Value::object()?;
            for name in &names {
                copy.define_atom(&name.atom, Value::undefined())?;
            }
            Ok(copy)
        };
        match make() {
            Ok(object) => Some(Pattern { object, names }),
            Err(thrown) => {
                drop(take_exception(thrown));
                None
            }
        }
    }

    /// How many names it has.
    #[inline]
    pub fn names(&self) -> usize {
        self.names.len()
    }

    /// Whether this is the name there.
    #[inline]
    pub fn is_name(&self, index: usize, text: &[u8]) -> bool {
        self.names.get(index).is_some_and(|name| name.text() == text)
    }

    /// Whether an object has the pattern's shape.
    pub fn is_of(&self, object: &Value) -> bool {
        // SAFETY: both handles keep their objects alive.
        is_object(object.0) && unsafe { shape_of(pointer(object.0)) == shape_of(pointer(self.object.0)) }
    }

    /// The name there, and its text.
    pub fn name(&self, index: usize) -> Option<(&Atom, &[u8])> {
        self.names.get(index).map(|name| (&name.atom, name.text()))
    }

    /// An object with these names and the values from `start` on, one for each, which are taken out of the vector.
    pub fn object(&self, values: &mut Vec<Value>, start: usize) -> Result<Value> {
        let object = Value::object()?;
        let count = self.names();
        if values.len().checked_sub(start) != Some(count) {
            return Err(throw_type(c"a pattern has as many names as values"));
        }
        // SAFETY: a fresh object has the shape of those without members, which `empty` keeps alive, and so losing one reference does not
        // free it. It gets the room that the pattern's shape tells, then its values, and then the shape with a reference of its own;
        // shapes are counted like values. `json::prove` shows that it comes out right.
        unsafe {
            let (fresh, pattern) = (pointer(object.0).cast_mut(), pointer(self.object.0));
            let (old, new) = (shape_of(fresh), shape_of(pattern));
            if old != shape_of(KNOWN.get().empty) {
                return Err(throw_type(c"a fresh object has members"));
            }
            let mut room = word(fresh, PROPERTIES_AT) as usize as *mut sys::JSValue;
            if word(old, PROPERTY_ROOM_AT) != word(new, PROPERTY_ROOM_AT) {
                let bytes = word(new, PROPERTY_ROOM_AT) as usize * size_of::<sys::JSValue>();
                room = sys::js_realloc(context(), room.cast(), bytes as sys::size_t).cast();
                if room.is_null() {
                    return Err(Thrown);
                }
                fresh.add(PROPERTIES_AT).cast::<u32>().write(room.addr() as u32);
            }
            core::ptr::copy_nonoverlapping(values.as_ptr().add(start).cast::<sys::JSValue>(), room, count);
            values.set_len(start);
            sys::JS_DupValue(context(), counted(new));
            fresh.add(SHAPE_AT).cast::<u32>().write(new.addr() as u32);
            sys::JS_FreeValue(context(), counted(old));
        }
        Ok(object)
    }
}

/// A word that the engine counts references to a structure by.
fn counted(structure: *const u8) -> sys::JSValue {
    (i64::from(sys::JS_TAG_OBJECT) as u64) << 32 | structure.addr() as u64
}
