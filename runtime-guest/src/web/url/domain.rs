//! Domains in ASCII: Unicode's UTS 46 and Punycode.
//!
//! The mapping of UTS 46 is the one of Unicode's NFKC_Casefold with a few exceptions, and which characters may stand in
//! a domain follows from their general category. Both are computed from the tables that the engine's regular
//! expressions and `normalize` need anyway, so that there is no table of domains in the image. The rules for right to
//! left scripts and for joiners use a simpler notion of direction and joining than Unicode's own.

use alloc::string::String;
use alloc::vec::Vec;

use crate::qjs::unicode::{self, Characters, Form};

/// The kinds of characters that matter.
struct Kinds {
    ignorable: Characters,
    other: Characters,
    mark: Characters,
    nonspacing: Characters,
    letter: Characters,
}

impl Kinds {
    fn new() -> Kinds {
        Kinds {
            ignorable: Characters::of_properties(&[c"Default_Ignorable_Code_Point"]),
            other: Characters::of_categories(&[c"C", c"Z"]),
            mark: Characters::of_categories(&[c"M"]),
            nonspacing: Characters::of_categories(&[c"Mn", c"Me"]),
            letter: Characters::of_categories(&[c"L", c"N", c"Mc"]),
        }
    }
}

/// The longest domain that is looked at. A resolver takes 253 bytes.
const MOST: usize = 16 << 10;

/// The domain in ASCII and in lower case. None when it is not valid.
pub fn to_ascii(domain: &str) -> Option<String> {
    if domain.is_ascii() {
        return Some(domain.to_ascii_lowercase());
    }
    if domain.len() > MOST {
        return None;
    }
    let kinds = Kinds::new();
    let mapped = kinds.map(domain)?;
    let labels: Vec<Vec<char>> =
        mapped.split(|one| *one == '.').map(|label| kinds.read_label(label)).collect::<Option<_>>()?;
    let is_bidi = labels.iter().flatten().any(|one| kinds.direction(*one).is_right_to_left());
    let mut out = String::new();
    for (at, label) in labels.iter().enumerate() {
        if !kinds.is_label(label) || is_bidi && !kinds.keeps_bidi_rule(label) {
            return None;
        }
        if at > 0 {
            out.push('.');
        }
        if label.iter().all(char::is_ascii) {
            out.extend(label);
        } else {
            out.push_str("xn--");
            punycode::encode(label, &mut out)?;
        }
    }
    Some(out)
}

impl Kinds {
    /// Maps each character, and normalizes the whole.
    fn map(&self, domain: &str) -> Option<Vec<char>> {
        let mut mapped = Vec::new();
        for one in domain.chars() {
            match one {
                '\u{3002}' => mapped.push('.'),
                // Four that are valid although they fold or print nothing, and one that folds to the first.
                'ß' | 'ς' | '\u{200c}' | '\u{200d}' => mapped.push(one),
                'ẞ' => mapped.push('ß'),
                one if one.is_ascii() => mapped.push(one.to_ascii_lowercase()),
                one => self.map_one(one, &mut mapped)?,
            }
        }
        let normal = unicode::normalize(&mapped, Form::Composed)?;
        normal.iter().all(|one| self.is_valid(*one)).then_some(normal)
    }

    fn map_one(&self, one: char, out: &mut Vec<char>) -> Option<()> {
        if self.ignorable.has(one) {
            return (!is_wrong_although_ignorable(one)).then_some(());
        }
        let mut text = unicode::normalize(&[one], Form::CompatiblyComposed)?;
        // Folding may need another round of normalizing, and that another round of folding.
        for _ in 0..3 {
            let mut folded = Vec::new();
            for part in &text {
                unicode::fold(*part, &mut folded);
            }
            let normal = unicode::normalize(&folded, Form::CompatiblyComposed)?;
            if normal == text {
                break;
            }
            text = normal;
        }
        // A full stop may come from two characters only, and not from one that stands for a number with a full stop.
        let has_stop = text.iter().any(|part| matches!(part, '.' | '\u{3002}'));
        if has_stop {
            out.push('.');
            return matches!(one, '\u{ff0e}' | '\u{ff61}').then_some(());
        }
        out.extend(text.into_iter().filter(|part| !self.ignorable.has(*part)));
        Some(())
    }

    /// Whether a mapped character may stand in a domain.
    fn is_valid(&self, one: char) -> bool {
        if one.is_ascii() || matches!(one, '\u{200c}' | '\u{200d}') {
            return true;
        }
        // Descriptions of ideographs, what stands in the place of something else, and capitals without small ones.
        let is_description = matches!(one, '\u{2ff0}'..='\u{2fff}' | '\u{31ef}' | '\u{fff9}'..='\u{fffd}');
        let is_old = matches!(one, '\u{2132}' | '\u{2183}');
        !is_description && !is_old && !self.other.has(one)
    }

    /// A label, or what the Punycode of one says.
    fn read_label(&self, text: &[char]) -> Option<Vec<char>> {
        let ['x', 'n', '-', '-', code @ ..] = text else {
            return Some(text.into());
        };
        let decoded = punycode::decode(code)?;
        // What Punycode says must need Punycode, and no mapping.
        let needs_it = decoded.iter().any(|one| !one.is_ascii());
        let again = self.map(&decoded.iter().collect::<String>())?;
        (needs_it && again == decoded).then_some(decoded)
    }

    fn is_label(&self, label: &[char]) -> bool {
        if label.first().is_some_and(|first| self.mark.has(*first)) || label.contains(&'.') {
            return false;
        }
        (0..label.len()).all(|at| match label.get(at) {
            Some('\u{200c}') => follows_virama(label, at) || self.joins(label, at),
            Some('\u{200d}') => follows_virama(label, at),
            _ => true,
        })
    }

    /// Whether cursive letters stand on both sides.
    fn joins(&self, label: &[char], at: usize) -> bool {
        let (before, behind) = (label.get(..at), label.get(at + 1..));
        let before = before.and_then(|text| text.iter().rev().find(|one| !self.mark.has(**one)));
        let behind = behind.and_then(|text| text.iter().find(|one| !self.mark.has(**one)));
        before.is_some_and(|one| self.joining(*one).0) && behind.is_some_and(|one| self.joining(*one).1)
    }

    /// The rule of RFC 5893.
    fn keeps_bidi_rule(&self, label: &[char]) -> bool {
        use Direction::{ArabicNumber, EuropeanNumber, Left, Mark, Neutral, Right, Separator};
        let kinds: Vec<Direction> = label.iter().map(|one| self.direction(*one)).collect();
        let Some(first) = kinds.first() else { return true };
        let last = kinds.iter().rev().find(|kind| **kind != Mark);
        let has = |kind: Direction| kinds.contains(&kind);
        match first {
            Right => {
                !has(Left)
                    && matches!(last, Some(Right | EuropeanNumber | ArabicNumber))
                    && !(has(EuropeanNumber) && has(ArabicNumber))
            }
            Left => {
                kinds.iter().all(|kind| matches!(kind, Left | EuropeanNumber | Separator | Neutral | Mark))
                    && matches!(last, Some(Left | EuropeanNumber))
            }
            _ => false,
        }
    }

    fn direction(&self, one: char) -> Direction {
        match one {
            '0'..='9' | '\u{6f0}'..='\u{6f9}' => Direction::EuropeanNumber,
            'a'..='z' => Direction::Left,
            '-' | '+' | ',' | '.' | ':' | '/' => Direction::Separator,
            one if one.is_ascii() => Direction::Neutral,
            '\u{660}'..='\u{669}'
            | '\u{66b}'
            | '\u{66c}'
            | '\u{6dd}'
            | '\u{8e2}'
            | '\u{600}'..='\u{605}'
            | '\u{10d30}'..='\u{10d39}'
            | '\u{10e60}'..='\u{10e7e}' => Direction::ArabicNumber,
            one if self.nonspacing.has(one) => Direction::Mark,
            '\u{590}'..='\u{8ff}'
            | '\u{fb1d}'..='\u{fdff}'
            | '\u{fe70}'..='\u{feff}'
            | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}' => Direction::Right,
            one if self.letter.has(one) => Direction::Left,
            _ => Direction::Neutral,
        }
    }

    /// Whether a letter joins the one behind it, and the one before it.
    fn joining(&self, one: char) -> (bool, bool) {
        // These join the letter before them only.
        let is_right_joining = matches!(one, '\u{622}'..='\u{625}' | '\u{627}' | '\u{629}' | '\u{62f}'..='\u{632}'
            | '\u{648}' | '\u{671}'..='\u{673}' | '\u{675}'..='\u{677}' | '\u{688}'..='\u{699}' | '\u{6c0}'
            | '\u{6c3}'..='\u{6cb}' | '\u{6cd}' | '\u{6cf}' | '\u{6d2}' | '\u{6d3}' | '\u{6d5}' | '\u{6ee}' | '\u{6ef}' | '\u{710}'
            | '\u{715}'..='\u{719}' | '\u{71e}' | '\u{728}' | '\u{72a}' | '\u{72c}' | '\u{72f}');
        let is_cursive = self.letter.has(one)
            && matches!(one, '\u{620}' | '\u{622}'..='\u{65f}' | '\u{66e}'..='\u{673}' | '\u{675}'..='\u{6ef}'
                | '\u{6fa}'..='\u{6ff}' | '\u{712}'..='\u{77f}' | '\u{7ca}'..='\u{7ea}' | '\u{8a0}'..='\u{8c7}'
                | '\u{1820}'..='\u{1878}' | '\u{a840}'..='\u{a872}');
        (is_cursive && !is_right_joining, is_cursive || is_right_joining)
    }
}

/// Characters that print nothing, and are wrong and not left out.
fn is_wrong_although_ignorable(one: char) -> bool {
    matches!(one, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2065}'
        | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}')
}

/// Characters of the combining class of viramas.
const VIRAMAS: &[u32] = &[
    0x94d, 0x9cd, 0xa4d, 0xacd, 0xb4d, 0xbcd, 0xc4d, 0xccd, 0xd3b, 0xd3c, 0xd4d, 0xdca, 0xe3a, 0xeba, 0xf84, 0x1039,
    0x103a, 0x1714, 0x1715, 0x1734, 0x17d2, 0x1a60, 0x1b44, 0x1baa, 0x1bab, 0x1bf2, 0x1bf3, 0x2d7f, 0xa806, 0xa82c,
    0xa8c4, 0xa953, 0xa9c0, 0xaaf6, 0xabed, 0x10a3f, 0x11046, 0x11070, 0x1107f, 0x110b9, 0x11133, 0x11134, 0x111c0,
    0x11235, 0x112ea, 0x1134d, 0x113ce, 0x113cf, 0x113d0, 0x11442, 0x114c2, 0x115bf, 0x1163f, 0x116b6, 0x1172b,
    0x11839, 0x1193d, 0x1193e, 0x119e0, 0x11a34, 0x11a47, 0x11a99, 0x11c3f, 0x11d44, 0x11d45, 0x11d97, 0x11f41,
    0x11f42, 0x1612f,
];

fn follows_virama(label: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| label.get(before));
    before.is_some_and(|before| VIRAMAS.contains(&(*before as u32)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Left,
    Right,
    EuropeanNumber,
    ArabicNumber,
    Separator,
    Mark,
    Neutral,
}

impl Direction {
    fn is_right_to_left(self) -> bool {
        matches!(self, Direction::Right | Direction::ArabicNumber)
    }
}

mod punycode {
    //! RFC 3492.

    use alloc::string::String;
    use alloc::vec::Vec;

    const BASE: u32 = 36;
    const MIN: u32 = 1;
    const MAX: u32 = 26;

    fn adapt(delta: u32, points: u32, is_first: bool) -> u32 {
        let mut delta = if is_first { delta / 700 } else { delta / 2 };
        delta += delta / points.max(1);
        let mut k = 0;
        while delta > (BASE - MIN) * MAX / 2 {
            delta /= BASE - MIN;
            k += BASE;
        }
        k + (BASE - MIN + 1) * delta / (delta + 38)
    }

    fn threshold(k: u32, bias: u32) -> u32 {
        k.saturating_sub(bias).clamp(MIN, MAX)
    }

    /// A longer label takes a time that grows with the square of its length.
    const MOST: usize = 2000;

    pub fn decode(text: &[char]) -> Option<Vec<char>> {
        if text.len() > MOST || !text.iter().all(char::is_ascii) {
            return None;
        }
        let dash = text.iter().rposition(|one| *one == '-');
        let mut out: Vec<char> = text.get(..dash.unwrap_or(0))?.into();
        let mut rest = text.get(dash.map_or(0, |dash| dash + 1)..)?.iter();
        let (mut n, mut i, mut bias) = (128_u32, 0_u32, 72);
        while !rest.as_slice().is_empty() {
            let before = i;
            let (mut weight, mut k) = (1_u32, BASE);
            loop {
                let digit = rest.next()?.to_digit(BASE)?;
                // `to_digit` counts 0 to 9 first, Punycode counts a to z first.
                let digit = if digit < 10 { digit + 26 } else { digit - 10 };
                i = i.checked_add(digit.checked_mul(weight)?)?;
                let t = threshold(k, bias);
                if digit < t {
                    break;
                }
                weight = weight.checked_mul(BASE - t)?;
                k += BASE;
            }
            let count = out.len() as u32 + 1;
            bias = adapt(i - before, count, before == 0);
            n = n.checked_add(i / count)?;
            i %= count;
            out.insert(i as usize, char::from_u32(n)?);
            i += 1;
        }
        Some(out)
    }

    pub fn encode(text: &[char], out: &mut String) -> Option<()> {
        if text.len() > MOST {
            return None;
        }
        let basic = text.iter().filter(|one| one.is_ascii()).count() as u32;
        out.extend(text.iter().filter(|one| one.is_ascii()));
        if basic > 0 {
            out.push('-');
        }
        let (mut n, mut delta, mut bias, mut done) = (128_u32, 0_u32, 72, basic);
        while (done as usize) < text.len() {
            let next = text.iter().map(|one| *one as u32).filter(|one| *one >= n).min()?;
            delta = delta.checked_add((next - n).checked_mul(done + 1)?)?;
            n = next;
            for one in text.iter().map(|one| *one as u32) {
                if one < n {
                    delta = delta.checked_add(1)?;
                } else if one == n {
                    let (mut q, mut k) = (delta, BASE);
                    loop {
                        let t = threshold(k, bias);
                        if q < t {
                            break;
                        }
                        out.push(digit(t + (q - t) % (BASE - t)));
                        q = (q - t) / (BASE - t);
                        k += BASE;
                    }
                    out.push(digit(q));
                    bias = adapt(delta, done + 1, done == basic);
                    delta = 0;
                    done += 1;
                }
            }
            delta += 1;
            n += 1;
        }
        Some(())
    }

    fn digit(value: u32) -> char {
        char::from_digit(if value < 26 { value + 10 } else { value - 26 }, BASE).unwrap_or_default()
    }
}
