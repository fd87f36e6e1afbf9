//! What the engine knows about characters. It must never know what the characters are for.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use alloc::vec::Vec;
use core::cell::OnceCell;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::null_mut;

use super::heap;

/// `CharRange` of the engine.
#[repr(C)]
struct CharRange {
    length: c_int,
    size: c_int,
    points: *mut u32,
    opaque: *mut c_void,
    realloc: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, u32) -> *mut c_void>,
}

unsafe extern "C" {
    fn lre_case_conv(result: *mut u32, character: u32, kind: c_int) -> c_int;
    fn unicode_normalize(
        result: *mut *mut u32,
        text: *const u32,
        length: c_int,
        form: c_int,
        opaque: *mut c_void,
        realloc: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, u32) -> *mut c_void>,
    ) -> c_int;
    fn unicode_general_category(range: *mut CharRange, name: *const c_char) -> c_int;
    fn unicode_prop(range: *mut CharRange, name: *const c_char) -> c_int;
}

/// Which normal form.
#[derive(Clone, Copy)]
pub enum Form {
    /// NFC.
    Composed = 0,
    /// NFKC.
    CompatiblyComposed = 2,
}

/// The text in a normal form. None when there is no memory for it.
pub fn normalize(text: &[char], form: Form) -> Option<Vec<char>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let mut result = null_mut();
    // SAFETY: a char has the size of a u32. The engine writes a block of so many characters, which is freed once.
    unsafe {
        let length = unicode_normalize(
            &raw mut result,
            text.as_ptr().cast(),
            c_int::try_from(text.len()).ok()?,
            form as c_int,
            null_mut(),
            Some(heap::realloc),
        );
        let normal = (length >= 0)
            .then(|| core::slice::from_raw_parts(result, length as usize).iter().copied().filter_map(char::from_u32));
        let normal = normal.map(Iterator::collect);
        heap::free(null_mut(), result.cast());
        normal
    }
}

/// Adds what a character is folded to, so that texts that differ in case only become the same.
pub fn fold(character: char, out: &mut Vec<char>) {
    const FOLD: c_int = 2;
    let mut folded = [0; 3];
    // SAFETY: there is room for three characters, which is the most.
    let count = unsafe { lre_case_conv(folded.as_mut_ptr(), character as u32, FOLD) };
    out.extend(folded.iter().take(count as usize).filter_map(|one| char::from_u32(*one)));
}

/// Characters that have something in common. They are looked up in the engine's tables when they are first asked for.
pub struct Characters {
    are_categories: bool,
    names: &'static [&'static CStr],
    /// Where such characters begin, where others do, and so on.
    points: OnceCell<Vec<u32>>,
}

impl Characters {
    /// The characters of these general categories.
    pub const fn of_categories(names: &'static [&'static CStr]) -> Characters {
        Characters { are_categories: true, names, points: OnceCell::new() }
    }

    /// The characters that have one of these properties.
    pub const fn of_properties(names: &'static [&'static CStr]) -> Characters {
        Characters { are_categories: false, names, points: OnceCell::new() }
    }

    /// Whether this is one of them.
    pub fn has(&self, character: char) -> bool {
        let points = self.points.get_or_init(|| {
            let mut all = Vec::new();
            for name in self.names {
                self.add(name, &mut all);
            }
            all.sort_unstable();
            all
        });
        points.partition_point(|point| *point <= character as u32) % 2 == 1
    }

    /// Adds the points of one name. Those of different categories touch, but do not overlap.
    fn add(&self, name: &CStr, all: &mut Vec<u32>) {
        let mut range =
            CharRange { length: 0, size: 0, points: null_mut(), opaque: null_mut(), realloc: Some(heap::realloc) };
        // SAFETY: the name ends in NUL, and the engine fills an empty range, whose points are freed once.
        unsafe {
            let code = if self.are_categories {
                unicode_general_category(&raw mut range, name.as_ptr())
            } else {
                unicode_prop(&raw mut range, name.as_ptr())
            };
            if code == 0 && !range.points.is_null() {
                all.extend_from_slice(core::slice::from_raw_parts(range.points, range.length as usize));
            }
            heap::free(null_mut(), range.points.cast());
        }
    }
}
