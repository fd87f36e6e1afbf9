//! Long values on several lines, as Node breaks them.
//!
//! It owns where a line ends. It reads the text that the jar made of a value, and changes only the space between
//! entries. Text that it cannot parse stays as it is. It must never know a colour or a terminal.

use std::collections::BTreeMap;

/// A value is broken when its line would be longer: Node counts 80 characters, and nine of them for what is around.
const FLAT: usize = 71;
/// No line is longer than this where a break can help.
const WIDTH: usize = 80;
/// A longer text stays as it is. Parsing it would take memory that no limit of the script bounds.
const MOST: usize = 1 << 20;
/// A longer array is not put into columns. A hundred entries that fit into columns are shorter.
const MOST_IN_COLUMNS: usize = 4096;
/// How many entries of an array are not put into columns.
const FEW: usize = 6;
/// The most columns of an array.
const COLUMNS: usize = 12;
/// The deepest indent. Values nest four levels; deeper brackets are in text that only looks like a value.
const MOST_INDENT: usize = 16;

/// An object, array, map or the like in the text: where its brackets are, and where its entries end.
struct Group {
    close: usize,
    commas: Vec<usize>,
}

/// The value with line ends where it is too long for one line.
pub(crate) fn broken(text: &str) -> String {
    let whole = || text.to_owned();
    // A text with line ends has the stack of an error in it.
    if text.len() > MOST || text.chars().count() <= FLAT || text.contains('\n') {
        return whole();
    }
    let characters: Vec<char> = text.chars().collect();
    let Some(groups) = groups(&characters) else { return whole() };
    let mut writer =
        Writer { characters: &characters, groups: &groups, out: String::with_capacity(text.len() * 2), column: 0 };
    writer.write_all();
    writer.out
}

/// The groups of a text by the place of their brackets. None when the brackets do not match.
fn groups(characters: &[char]) -> Option<BTreeMap<usize, Group>> {
    let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut groups = BTreeMap::new();
    let at = |index: usize| characters.get(index).copied();
    let mut index = 0;
    while let Some(character) = at(index) {
        match (character, at(index + 1)) {
            ('"', _) => index = end_of_string(characters, index)?,
            ('{' | '[', Some(' ')) => open.push((index, Vec::new())),
            (' ', Some(close @ ('}' | ']'))) => {
                let (start, commas) = open.pop()?;
                let is_pair = matches!((at(start), close), (Some('{'), '}') | (Some('['), ']'));
                if !is_pair || start + 1 == index {
                    return None;
                }
                groups.insert(start, Group { close: index + 1, commas });
                index += 1;
            }
            (',', Some(' ')) => open.last_mut()?.1.push(index),
            _ => {}
        }
        index += 1;
    }
    open.is_empty().then_some(groups)
}

/// The place of the quote that ends a string.
fn end_of_string(characters: &[char], start: usize) -> Option<usize> {
    let mut index = start + 1;
    loop {
        match characters.get(index)? {
            '\\' => index += 2,
            '"' => return Some(index),
            _ => index += 1,
        }
    }
}

struct Writer<'t> {
    characters: &'t [char],
    groups: &'t BTreeMap<usize, Group>,
    out: String,
    column: usize,
}

impl Writer<'_> {
    fn write_all(&mut self) {
        // The groups that are broken and not yet closed, with the next of their commas.
        let mut broken: Vec<(&Group, usize)> = Vec::new();
        let mut index = 0;
        while let Some(character) = self.characters.get(index).copied() {
            let depth = broken.len();
            if let Some(group) = self.groups.get(&index) {
                let width = group.close + 1 - index;
                if width + 2 * depth <= FLAT && self.column + width < WIDTH {
                    self.write(index, group.close + 1);
                    index = group.close + 1;
                    continue;
                }
                self.put(character);
                if let Some(rows) = self.rows(index, group, depth) {
                    self.write_rows(&rows, depth);
                    self.put(if character == '[' { ']' } else { '}' });
                    index = group.close + 1;
                    continue;
                }
                broken.push((group, 0));
                self.end_line(depth + 1);
                index += 2;
                continue;
            }
            match broken.last_mut() {
                Some((group, next)) if group.commas.get(*next) == Some(&index) => {
                    *next += 1;
                    self.put(',');
                    self.end_line(depth);
                    index += 2;
                }
                Some((group, _)) if group.close == index + 1 => {
                    broken.pop();
                    self.end_line(depth.saturating_sub(1));
                    self.write(index + 1, index + 2);
                    index += 2;
                }
                _ => {
                    self.put(character);
                    index += 1;
                }
            }
        }
    }

    fn put(&mut self, character: char) {
        self.out.push(character);
        self.column += 1;
    }

    fn write(&mut self, from: usize, to: usize) {
        let part = self.characters.get(from..to).unwrap_or_default();
        self.out.extend(part);
        self.column += part.len();
    }

    fn end_line(&mut self, depth: usize) {
        let indent = 2 * depth.min(MOST_INDENT);
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    fn write_rows(&mut self, rows: &[String], depth: usize) {
        for (number, row) in rows.iter().enumerate() {
            self.end_line(depth + 1);
            self.out.push_str(row);
            if number + 1 < rows.len() {
                self.out.push(',');
            }
        }
        self.end_line(depth);
    }

    /// The entries of an array in columns, by Node's rule. None where each entry gets its own line.
    fn rows(&self, start: usize, group: &Group, depth: usize) -> Option<Vec<String>> {
        if self.characters.get(start) != Some(&'[') || group.commas.len() < FEW || group.close - start > MOST_IN_COLUMNS
        {
            return None;
        }
        let starts = std::iter::once(start + 2).chain(group.commas.iter().map(|comma| comma + 2));
        let ends = group.commas.iter().copied().chain([group.close - 1]);
        let mut entries: Vec<String> = starts
            .zip(ends)
            .map(|(from, to)| self.characters.get(from..to).unwrap_or_default().iter().collect())
            .collect();
        let more = entries.pop_if(|last| last.starts_with("… "));
        let widths: Vec<usize> = entries.iter().map(|entry| entry.chars().count()).collect();
        let (total, widest) = (widths.iter().sum::<usize>() + 2 * widths.len(), widths.iter().max()? + 2);
        if 3 * widest + 2 * depth >= WIDTH || !(total > 5 * widest || widest <= 8) {
            return None;
        }
        let columns = columns(entries.len(), widest, total).min((WIDTH - 2 * depth) / widest).min(COLUMNS);
        if columns < 2 {
            return None;
        }
        let column = |number: usize| widths.iter().skip(number).step_by(columns).max().copied().unwrap_or_default();
        let places: Vec<usize> = (0..columns).map(column).collect();
        let is_number = |entry: &String| entry.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let is_right = entries.iter().all(is_number);
        let row = |row: &[String]| {
            let last = row.len().saturating_sub(1);
            let mut line = String::new();
            for (number, (entry, place)) in row.iter().zip(&places).enumerate() {
                let comma = if number < last { ", " } else { "" };
                if is_right {
                    line.push_str(&format!("{entry:>place$}{comma}"));
                } else if number < last {
                    line.push_str(&format!("{:<1$}", format!("{entry}{comma}"), place + 2));
                } else {
                    line.push_str(entry);
                }
            }
            line
        };
        Some(entries.chunks(columns).map(row).chain(more).collect())
    }
}

/// How many columns make a block of entries nearly square on a screen, where a character is higher than it is wide.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rule of thumb, over small numbers"
)]
fn columns(count: usize, widest: usize, total: usize) -> usize {
    let (count, widest, total) = (count as f64, widest as f64, total as f64);
    let bias = (widest - total / count).sqrt();
    let width = (widest - 3.0 - bias).max(1.0);
    ((2.5 * width * count).sqrt() / width).round() as usize
}

#[cfg(test)]
mod tests {
    use super::broken;

    #[test]
    fn what_fits_on_a_line_stays_on_it() {
        for text in ["", "1", "{ a: 1 }", "[ 1, 2, 3, 4, 5, 6, 7, 8 ]", "Map { 1 => { a: 1 } }"] {
            assert_eq!(broken(text), text);
        }
    }

    #[test]
    fn only_what_is_too_long_is_broken() {
        let (a, b) = ("x".repeat(40), "y".repeat(40));
        let text = format!("{{ a: \"{a}, {{ [\", b: {{ c: \"{b}\", d: [ 1, 2 ] }}, e: [] }}");
        let shown = format!("{{\n  a: \"{a}, {{ [\",\n  b: {{ c: \"{b}\", d: [ 1, 2 ] }},\n  e: []\n}}");
        assert_eq!(broken(&text), shown);
        let text = format!("Map {{ 1 => [ \"{a}\", \"{b}\" ], [Function: f] => 2 }}");
        let shown = format!("Map {{\n  1 => [\n    \"{a}\",\n    \"{b}\"\n  ],\n  [Function: f] => 2\n}}");
        assert_eq!(broken(&text), shown);
    }

    #[test]
    fn numbers_stand_in_columns() {
        let text = format!("[ {} ]", (0..30).map(|n| (n * n).to_string()).collect::<Vec<_>>().join(", "));
        let shown = "[\n    0,   1,   4,   9,  16,  25,  36,  49,\n   64,  81, 100, 121, 144, 169, 196, 225,\n  \
            256, 289, 324, 361, 400, 441, 484, 529,\n  576, 625, 676, 729, 784, 841\n]";
        assert_eq!(broken(&text), shown);
    }

    #[test]
    fn nothing_but_space_changes_whatever_the_text_is() {
        let marks = ["{ ", "[ ", " }", " ]", ", ", "\"", "\\"];
        let words = ["a", "é: ", "1", "[Function: f]", "/[ {]/", "… 3 more", "Map "];
        let pieces = [marks, words].concat();
        // Every text of these pieces that a small generator comes to.
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..60 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let index = usize::try_from(state >> 33).unwrap_or_default() % pieces.len();
                text.push_str(pieces.get(index).copied().unwrap_or_default());
            }
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(bare(&broken(&text)), bare(&text));
        }
        let deep = "[ ".repeat(20_000) + "1" + &" ]".repeat(20_000);
        assert!(broken(&deep).len() < 3_000_000);
        // It would take hours if each level were read again for its columns.
        let deep = "[ 1, 2, 3, 4, 5, 6, 7, ".repeat(40_000) + "1" + &" ]".repeat(40_000);
        assert!(broken(&deep).len() > deep.len());
        let long = format!("[ {}1 ]", "1, ".repeat(400_000));
        assert_eq!(broken(&long), long);
    }
}
