//! `console.table`: rows and columns with a frame around them.
//!
//! It runs no code of the script: getters are named and not called.

use alloc::string::String;
use alloc::vec::Vec;

use super::show::{ENTRIES, LINE_BYTES, count, entries, nested, plain};
use crate::qjs::{Atom, Property, Value, present};

/// The most columns.
const COLUMNS: usize = 32;
/// The most characters of a cell.
const CELL_CHARACTERS: usize = 200;

/// A column: its name, and its cells with the numbers of their rows. A row without a cell is empty.
struct Column {
    name: String,
    cells: Vec<(usize, String)>,
}

struct Table {
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

impl Table {
    /// Puts a cell into the column with this name, which is made if there is room. The first column is the index.
    fn put(&mut self, name: &str, row: usize, cell: String) {
        self.bytes += cell.len();
        let room = self.columns.len() <= COLUMNS;
        if let Some(column) = self.columns.iter_mut().skip(1).find(|column| column.name == name) {
            column.cells.push((row, cell));
        } else if room {
            self.columns.push(Column { name: name.into(), cells: [(row, cell)].into() });
        }
    }

    fn begin(&mut self, index: String) -> usize {
        self.bytes += index.len();
        let row = self.rows;
        self.rows += 1;
        if let Some(first) = self.columns.first_mut() {
            first.cells.push((row, index));
        }
        row
    }

    /// Whether further rows would be cut.
    fn is_full(&self) -> bool {
        self.bytes > LINE_BYTES || self.rows >= ENTRIES
    }
}

/// The table of a value, with the columns that are named or all of them; None for a value that has no rows.
pub fn draw(data: &Value, wanted: &Value) -> Option<String> {
    if !data.is_object() || data.is_function() || data.is_proxy() {
        return None;
    }
    let wanted: Option<Vec<Value>> = wanted.is_array().then(|| items(wanted, COLUMNS));
    let is_collection = data.is_map() || data.is_set();
    let index = if is_collection { "(iteration index)" } else { "(index)" };
    let mut table = Table { columns: [Column { name: index.into(), cells: Vec::new() }].into(), rows: 0, bytes: 0 };
    let mut values = Vec::new();
    let rows = if is_collection {
        collection(&mut table, data, &mut values)
    } else {
        rows(&mut table, data, wanted, &mut values)
    };
    if !values.is_empty() {
        table.columns.push(Column { name: "Values".into(), cells: values });
    }
    let mut out = framed(&table);
    if rows > table.rows {
        out.push_str("\n… ");
        out.push_str(&count((rows - table.rows) as i64));
        out.push_str(" more");
    }
    super::show::cut(&mut out);
    Some(out)
}

fn collection(table: &mut Table, data: &Value, values: &mut Vec<(usize, String)>) -> usize {
    let found = entries(data);
    for (key, value) in &found {
        if table.is_full() {
            break;
        }
        let row = table.begin(count(table.rows as i64));
        if data.is_map() {
            table.put("Key", row, cell(key));
        }
        let value = cell(value);
        table.bytes += value.len();
        values.push((row, value));
    }
    found.len()
}

fn rows(table: &mut Table, data: &Value, wanted: Option<Vec<Value>>, values: &mut Vec<(usize, String)>) -> usize {
    let Some((keys, all)) = present(data.own_keys(ENTRIES)) else { return 0 };
    for key in keys.iter().filter(|key| key.is_string()) {
        if table.is_full() {
            break;
        }
        let row = table.begin(short(plain(key)));
        let Some(item) = property(data, key) else { continue };
        let is_row = matches!(&item, Property::Value(item) if item.is_object());
        if let (Property::Value(item), true) = (&item, is_row) {
            let own = || present(item.own_keys(COLUMNS)).map(|(keys, _)| keys).unwrap_or_default();
            for name in wanted.clone().unwrap_or_else(own).iter().filter(|name| !name.is_symbol() && !name.is_object())
            {
                let cell = if item.is_proxy() { None } else { property(item, name) };
                table.put(&short(plain(name)), row, cell.map(property_cell).unwrap_or_default());
            }
            continue;
        }
        for name in wanted.iter().flatten().filter(|name| !name.is_symbol() && !name.is_object()) {
            table.put(&short(plain(name)), row, String::new());
        }
        let value = property_cell(item);
        table.bytes += value.len();
        values.push((row, value));
    }
    all
}

fn items(array: &Value, most: usize) -> Vec<Value> {
    let length = present(array.length()).unwrap_or(0).clamp(0, most as i64) as u32;
    let item = |index: u32| match property(array, &Value::int(index as i32)) {
        Some(Property::Value(value)) => Some(value),
        _ => None,
    };
    (0..length).filter_map(item).collect()
}

fn property(of: &Value, key: &Value) -> Option<Property> {
    present(of.own(&present(Atom::of(key))?))?
}

fn property_cell(property: Property) -> String {
    match property {
        Property::Value(value) => cell(&value),
        Property::Accessor(_) => "[Getter]".into(),
    }
}

/// A cell shows one nested level of a value, and none of an object with more than two properties.
fn cell(value: &Value) -> String {
    let is_large = value.is_object()
        && !value.is_array()
        && !value.is_proxy()
        && present(value.own_keys(0)).is_some_and(|(_, all)| all > 2);
    short(nested(value, usize::from(!is_large)))
}

/// A text on one line that is no longer than a cell may be.
fn short(text: String) -> String {
    let mut short: String = text.chars().take(CELL_CHARACTERS).map(|one| if one == '\n' { ' ' } else { one }).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn framed(table: &Table) -> String {
    let widths: Vec<usize> = table
        .columns
        .iter()
        .map(|column| column.cells.iter().map(|(_, cell)| width(cell)).max().unwrap_or(0).max(width(&column.name)))
        .collect();
    let mut out = String::new();
    let line = |out: &mut String, [left, middle, right]: [&str; 3]| {
        for (index, width) in widths.iter().enumerate() {
            out.push_str(if index == 0 { left } else { middle });
            (0..width + 2).for_each(|_| out.push('─'));
        }
        out.push_str(right);
    };
    let row = |out: &mut String, cell: &dyn Fn(&Column) -> &str| {
        for (column, most) in table.columns.iter().zip(&widths) {
            let text = cell(column);
            out.push_str("│ ");
            out.push_str(text);
            (width(text)..most + 1).for_each(|_| out.push(' '));
        }
        out.push_str("│\n");
    };
    line(&mut out, ["┌", "┬", "┐\n"]);
    row(&mut out, &|column| &column.name);
    line(&mut out, ["├", "┼", "┤\n"]);
    for number in 0..table.rows {
        row(&mut out, &|column| {
            // The cells of a column are in the order of their rows.
            let found = column.cells.binary_search_by_key(&number, |(row, _)| *row);
            found.ok().and_then(|at| column.cells.get(at)).map_or("", |(_, cell)| cell)
        });
        if out.len() > LINE_BYTES {
            break;
        }
    }
    line(&mut out, ["└", "┴", "┘"]);
    out
}

/// The columns of a terminal that a text takes: two for each character of East Asian scripts and for most emoji.
fn width(text: &str) -> usize {
    const WIDE: [core::ops::RangeInclusive<u32>; 8] = [
        0x1100..=0x115f,
        0x2e80..=0xa4cf,
        0xac00..=0xd7a3,
        0xf900..=0xfaff,
        0xfe30..=0xfe6f,
        0xff00..=0xff60,
        0x1f300..=0x1faff,
        0x20000..=0x3fffd,
    ];
    let wide = |one: char| WIDE.iter().any(|range| range.contains(&(one as u32)));
    text.chars().map(|one| 1 + usize::from(wide(one))).sum()
}
