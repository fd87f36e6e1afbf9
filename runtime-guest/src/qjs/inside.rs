//! What plain data looks like inside QuickJS's memory, so that it can be read without a call per property.
//!
//! It owns the offsets of the pinned QuickJS. [`install`] and `json::prove` show that they are right, and a wrong one
//! fails the image's build. It writes nothing and runs no script: values that need script are left to the engine. It
//! must never know what the data is read for.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use core::cell::Cell;
use core::mem::ManuallyDrop;
use core::ptr::null;

use rquickjs_sys as sys;

use crate::single::Single;

use super::{Atom, Result, Value, runtime, throw_type};

/// `JSRuntime`.
const ATOMS_AT: usize = 568;
/// `JSMallocBlockHeader`, which lies before every block.
const REFERENCES_BEFORE: usize = 4;
/// `JSObject`.
const CLASS_AT: usize = 10;
const SHAPE_AT: usize = 12;
const PROPERTIES_AT: usize = 16;
const ELEMENTS_AT: usize = 28;
const COUNT_AT: usize = 32;
/// `JSTypedArray`, to which a view points.
const VIEW_AT: usize = 24;
const TRACKS_AT: usize = 24;
/// The flags of an object, by their bits in the byte behind its header.
const FLAGS_AT: usize = 8;
const EXOTIC: u8 = 1 << 3;
const FAST_ARRAY: u8 = 1 << 4;
/// `JSShape`.
const HASH_MASK_AT: usize = 16;
const PROPERTY_COUNT_AT: usize = 24;
const PROTOTYPE_AT: usize = 36;
const HASH_TABLE_AT: usize = 40;
const HASH_FACTOR: u32 = 0x61c8_8647;
/// `JSString`, whose text follows behind its header.
const STRING_BYTES: usize = 16;
const KIND_SHIFT: u32 = 28;
const TYPE_SHIFT: u32 = 30;
const KIND_NORMAL: u32 = 0;
const KIND_SLICE: u32 = 1;
const TYPE_STRING: u32 = 1;

const CLASS_OBJECT: u16 = 1;
const CLASS_ARRAY: u16 = 2;
/// An atom with this bit is a number and has no string.
const ATOM_IS_INT: u32 = 1 << 31;
/// Where the flags begin in the first word of a property of a shape, and the two that count.
const FLAGS_SHIFT: u32 = 26;
const ENUMERABLE: u32 = 1 << 2;
const NOT_PLAIN: u32 = 3 << 4;

/// How deep data may be before it is left to the engine, which watches its stack.
const DEPTH: u32 = 64;

/// The characters of a string.
#[derive(Clone, Copy)]
pub enum Chars<'a> {
    /// Each below 256.
    Narrow(&'a [u8]),
    /// UTF-16 that may be broken.
    Wide(&'a [u16]),
}

/// Takes plain data in, piece by piece; false ends the walk. It must not call the engine, whose memory is being read.
pub trait Sink {
    /// Whether the walk ends where JSON would lose something: `undefined`, a number that is not finite, or an object
    /// that comes twice.
    const IS_EXACT: bool = false;

    /// An exact walk has come to an object that something else holds too. False where it has come there before.
    fn is_first(&mut self, _address: usize) -> bool {
        true
    }
    /// `null`, or a number that JSON writes as `null`.
    fn null(&mut self) -> bool;
    /// A boolean.
    fn boolean(&mut self, value: bool) -> bool;
    /// A small integer.
    fn int(&mut self, value: i32) -> bool;
    /// Any other number.
    fn float(&mut self, value: f64) -> bool;
    /// A string.
    fn text(&mut self, chars: Chars<'_>) -> bool;
    /// The start or the end of an array or an object: a byte of JSON.
    fn bracket(&mut self, bracket: u8) -> bool;
    /// The comma between two members.
    fn comma(&mut self) -> bool;
    /// The name of the member that follows.
    fn name(&mut self, chars: Chars<'_>) -> bool;
}

struct Known {
    object_prototype: *const u8,
    array_prototype: *const u8,
    to_json: u32,
}

static KNOWN: Single<Cell<Known>> =
    Single::new(Cell::new(Known { object_prototype: null(), array_prototype: null(), to_json: 0 }));

impl Clone for Known {
    fn clone(&self) -> Self {
        *self
    }
}
impl Copy for Known {}

/// How a walk has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Walked {
    /// The sink has all of it.
    Whole,
    /// JSON leaves such a value out.
    Nothing,
    /// The value is not plain, or the sink has ended the walk.
    No,
}

/// Gives plain data to the sink, as JSON would write it: own enumerable members of ordinary objects and arrays without
/// a `toJSON`. Anything else is not plain.
pub fn walk(value: &Value, sink: &mut impl Sink) -> Walked {
    if is_object(value.0) && !are_prototypes_plain() {
        return Walked::No;
    }
    // SAFETY: the handle keeps the value alive, and with it all that it holds; nothing on the way runs script or frees.
    unsafe { member(value.0, DEPTH, sink) }
}

fn tag(value: sys::JSValue) -> i32 {
    (value >> 32) as i32
}

fn is_object(value: sys::JSValue) -> bool {
    tag(value) == sys::JS_TAG_OBJECT
}

fn pointer(value: sys::JSValue) -> *const u8 {
    value as u32 as usize as *const u8
}

/// Whether objects and arrays inherit no `toJSON`, and arrays inherit from `Object.prototype`.
fn are_prototypes_plain() -> bool {
    let known = KNOWN.get();
    // SAFETY: both prototypes are held by the context, which lives as long as the memory.
    unsafe {
        prototype_of(known.array_prototype) == known.object_prototype
            && !has_own(known.array_prototype, known.to_json)
            && !has_own(known.object_prototype, known.to_json)
    }
}

unsafe fn word(at: *const u8, offset: usize) -> u32 {
    // SAFETY: the callers pass live structures of the engine and offsets that `json::prove` has shown to be right.
    unsafe { at.add(offset).cast::<u32>().read() }
}

unsafe fn shape_of(object: *const u8) -> *const u8 {
    // SAFETY: as `word`.
    unsafe { word(object, SHAPE_AT) as usize as *const u8 }
}

unsafe fn prototype_of(object: *const u8) -> *const u8 {
    // SAFETY: as `word`.
    unsafe { word(shape_of(object), PROTOTYPE_AT) as usize as *const u8 }
}

/// The properties of a shape: flags and atom of each.
unsafe fn properties<'a>(shape: *const u8) -> &'a [[u32; 2]] {
    // SAFETY: as `word`; the properties lie behind a hash table whose size the mask tells.
    unsafe {
        let table = word(shape, HASH_MASK_AT) as usize + 1;
        let first = shape.add(HASH_TABLE_AT + table * 4).cast::<[u32; 2]>();
        core::slice::from_raw_parts(first, word(shape, PROPERTY_COUNT_AT) as usize)
    }
}

/// The bucket of an atom: the highest bits of a product, as many as the mask has.
fn hash_of(atom: u32, mask: u32) -> u32 {
    atom.wrapping_mul(HASH_FACTOR) >> (1 + (mask + 1).leading_zeros())
}

unsafe fn has_own(object: *const u8, atom: u32) -> bool {
    // SAFETY: as `word`. A shape's hash table holds the place of a property plus one; the first word of a property
    // holds that of the next in the same bucket.
    unsafe {
        let shape = shape_of(object);
        let mask = word(shape, HASH_MASK_AT);
        let all = properties(shape);
        let bucket = (mask - hash_of(atom, mask)) as usize;
        let mut at = word(shape, HASH_TABLE_AT + bucket * 4);
        while let Some(&[first, other]) = all.get((at as usize).wrapping_sub(1)) {
            if other == atom {
                return true;
            }
            at = first & ((1 << FLAGS_SHIFT) - 1);
        }
        false
    }
}

unsafe fn member<S: Sink>(value: sys::JSValue, depth: u32, sink: &mut S) -> Walked {
    let goes_on = match tag(value) {
        sys::JS_TAG_INT => sink.int(value as i32),
        sys::JS_TAG_BOOL => sink.boolean(value as u32 != 0),
        sys::JS_TAG_NULL => sink.null(),
        sys::JS_TAG_UNDEFINED | sys::JS_TAG_SYMBOL => return Walked::Nothing,
        // SAFETY: the value is a live string.
        sys::JS_TAG_STRING => match unsafe { chars(pointer(value)) } {
            Some(chars) => sink.text(chars),
            None => false,
        },
        // SAFETY: the value is a live object.
        sys::JS_TAG_OBJECT => return unsafe { object(pointer(value), depth, sink) },
        tag if (tag.wrapping_sub(sys::JS_TAG_FIRST) as u32) >= (sys::JS_TAG_FLOAT64 - sys::JS_TAG_FIRST) as u32 => {
            const ADDEND: u64 = ((0x7ff8_0000 - sys::JS_TAG_FIRST as i64 + 1) as u64) << 32;
            let float = f64::from_bits(value.wrapping_add(ADDEND));
            if float.is_finite() { sink.float(float) } else { !S::IS_EXACT && sink.null() }
        }
        _ => false,
    };
    if goes_on { Walked::Whole } else { Walked::No }
}

unsafe fn object<S: Sink>(object: *const u8, depth: u32, sink: &mut S) -> Walked {
    let Some(depth) = depth.checked_sub(1) else { return Walked::No };
    // SAFETY: the caller passes a live object.
    let whole = unsafe {
        let known = KNOWN.get();
        if S::IS_EXACT && references(object) > 1 && !sink.is_first(object as usize) {
            return Walked::No;
        }
        let class = object.add(CLASS_AT).cast::<u16>().read();
        let flags = object.add(FLAGS_AT).read();
        let prototype = prototype_of(object);
        match class {
            CLASS_OBJECT if flags & EXOTIC == 0 && (prototype.is_null() || prototype == known.object_prototype) => {
                members(object, depth, sink)
            }
            CLASS_ARRAY if flags & FAST_ARRAY != 0 && prototype == known.array_prototype => {
                elements(object, depth, sink)
            }
            _ => false,
        }
    };
    if whole { Walked::Whole } else { Walked::No }
}

/// How often an object is held. An object that is held once is in one place only.
unsafe fn references(object: *const u8) -> u32 {
    // SAFETY: as `word`; the count lies before the object.
    unsafe { word(object.sub(REFERENCES_BEFORE), 0) }
}

unsafe fn elements<S: Sink>(array: *const u8, depth: u32, sink: &mut S) -> bool {
    // SAFETY: a fast array holds `count` values at `elements`, and its own properties are at least its length.
    unsafe {
        let count = word(array, COUNT_AT);
        let own = properties(shape_of(array));
        // The length is the first property, a plain number; an array that was made longer than it is full has holes.
        let length = (word(array, PROPERTIES_AT) as usize as *const sys::JSValue).read();
        if length != u64::from(count) || own.len() != 1 {
            return false;
        }
        let first = word(array, ELEMENTS_AT) as usize as *const sys::JSValue;
        let all: &[sys::JSValue] = if count == 0 { &[] } else { core::slice::from_raw_parts(first, count as usize) };
        if !sink.bracket(b'[') {
            return false;
        }
        for (index, &element) in all.iter().enumerate() {
            if index > 0 && !sink.comma() {
                return false;
            }
            let written = match member(element, depth, sink) {
                Walked::Whole => true,
                Walked::Nothing => !S::IS_EXACT && sink.null(),
                Walked::No => false,
            };
            if !written {
                return false;
            }
        }
        sink.bracket(b']')
    }
}

unsafe fn members<S: Sink>(object: *const u8, depth: u32, sink: &mut S) -> bool {
    // SAFETY: an object has a value for each property of its shape; an atom that is no number has a string.
    unsafe {
        let to_json = KNOWN.get().to_json;
        let values = word(object, PROPERTIES_AT) as usize as *const sys::JSValue;
        let atoms = atom_strings();
        if !sink.bracket(b'{') {
            return false;
        }
        let mut is_first = true;
        for (index, &[first, atom]) in properties(shape_of(object)).iter().enumerate() {
            let flags = first >> FLAGS_SHIFT;
            // A property that was deleted.
            if atom == 0 {
                continue;
            }
            // Names that are numbers come first in JSON, in the order of the numbers.
            if flags & NOT_PLAIN != 0 || atom & ATOM_IS_INT != 0 || atom == to_json {
                return false;
            }
            let name = atoms.add(atom as usize).read() as usize as *const u8;
            if word(name, 4) >> TYPE_SHIFT != TYPE_STRING || flags & ENUMERABLE == 0 {
                // A symbol, or hidden.
                continue;
            }
            let Some(chars) = chars(name) else { return false };
            if let Chars::Narrow([b'0'..=b'9', ..]) | Chars::Wide([0x30..=0x39, ..]) = chars {
                return false;
            }
            let value = values.add(index).read();
            if matches!(tag(value), sys::JS_TAG_UNDEFINED | sys::JS_TAG_SYMBOL) {
                if S::IS_EXACT {
                    return false;
                }
                continue;
            }
            if (!is_first && !sink.comma()) || !sink.name(chars) || member(value, depth, sink) != Walked::Whole {
                return false;
            }
            is_first = false;
        }
        sink.bracket(b'}')
    }
}

unsafe fn chars<'a>(string: *const u8) -> Option<Chars<'a>> {
    // SAFETY: the caller passes a live string, whose text lies behind it or in the string that it is a slice of.
    unsafe {
        let first = word(string, 0);
        let (length, is_wide) = ((first & !(1 << 31)) as usize, first >> 31 != 0);
        let text = match word(string, 4) >> KIND_SHIFT & 3 {
            KIND_NORMAL => string.add(STRING_BYTES),
            KIND_SLICE => {
                let parent = word(string, STRING_BYTES) as usize as *const u8;
                parent.add(STRING_BYTES + word(string, STRING_BYTES + 4) as usize)
            }
            _ => return None,
        };
        Some(if is_wide {
            Chars::Wide(core::slice::from_raw_parts(text.cast(), length))
        } else {
            Chars::Narrow(core::slice::from_raw_parts(text, length))
        })
    }
}

/// The string of every living atom that is no number, by its number.
unsafe fn atom_strings() -> *const u32 {
    // SAFETY: as `word`.
    unsafe { word(runtime().cast::<u8>(), ATOMS_AT) as usize as *const u32 }
}

/// How many elements an array has that holds nothing but elements, one behind the other; None for any other value.
pub fn dense_length(array: &Value) -> Option<u32> {
    if !is_object(array.0) {
        return None;
    }
    // SAFETY: the handle keeps the object alive; as `elements`.
    unsafe {
        let array = pointer(array.0);
        let is_fast = array.add(CLASS_AT).cast::<u16>().read() == CLASS_ARRAY
            && array.add(FLAGS_AT).read() & FAST_ARRAY != 0
            && properties(shape_of(array)).len() == 1;
        let count = word(array, COUNT_AT);
        let length = (word(array, PROPERTIES_AT) as usize as *const sys::JSValue).read();
        (is_fast && length == u64::from(count)).then_some(count)
    }
}

/// Whether the length of a view follows that of its buffer. The value must be a typed array or a DataView.
pub fn tracks_length(view: &Value) -> bool {
    // SAFETY: the handle keeps the view alive, which points to its description as long as it lives.
    unsafe {
        let description = word(pointer(view.0), VIEW_AT) as usize as *const u8;
        description.add(TRACKS_AT).read() != 0
    }
}

/// Whether an object is held by this handle alone.
pub fn is_held_once(value: &Value) -> bool {
    // SAFETY: the handle keeps the object alive.
    is_object(value.0) && unsafe { references(pointer(value.0)) == 1 }
}

/// Finds the prototypes and the atom that the walk compares with. Runs while the image is built.
pub fn install() -> Result<()> {
    let global = Value::global();
    let prototype = |class| global.get(class)?.get(c"prototype");
    let (object, array) = (prototype(c"Object")?, prototype(c"Array")?);
    let to_json = ManuallyDrop::new(Atom::new(b"toJSON")?);
    KNOWN.set(Known { object_prototype: pointer(object.0), array_prototype: pointer(array.0), to_json: to_json.0 });
    for (prototype, absent) in [(&object, c"map"), (&array, c"hasOwnProperty")] {
        let absent = Atom::new(absent.to_bytes())?;
        // SAFETY: the handles keep the prototypes alive.
        let is_right = unsafe {
            let object = pointer(prototype.0);
            let mut own = properties(shape_of(object)).iter();
            own.len() > 10 && own.all(|&[_, atom]| has_own(object, atom)) && !has_own(object, absent.0)
        };
        if !is_right {
            return Err(throw_type(c"properties are not where they should be"));
        }
    }
    Ok(())
}
