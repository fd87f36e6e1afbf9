//! The table of results, as text, JSON and Markdown.

use std::io::IsTerminal;
use std::path::Path;

use serde_json::{Value, json};

/// A measured figure, with its unit.
#[derive(Clone, Copy)]
pub(crate) enum Figure {
    Micros(f64),
    Kilobytes(f64),
    /// For a row that is a mean of other rows' ratios.
    None,
}

impl Figure {
    fn text(self) -> String {
        match self {
            Figure::Micros(micros) if micros < 10.0 => format!("{micros:.2} us"),
            Figure::Micros(micros) if micros < 1000.0 => format!("{micros:.1} us"),
            Figure::Micros(micros) => format!("{:.2} ms", micros / 1000.0),
            Figure::Kilobytes(kilobytes) => format!("{kilobytes:.1} KB"),
            Figure::None => String::new(),
        }
    }

    fn value(self) -> Option<f64> {
        match self {
            Figure::Micros(value) | Figure::Kilobytes(value) => Some(value),
            Figure::None => None,
        }
    }
}

/// The goals of a row: what it must reach, and what it aims at.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// No goal: the row explains another one.
    None,
    /// At most this multiple of the other side's time.
    Times(f64, f64),
    /// At least this many times as fast as the other side.
    Faster(f64, f64),
    /// At most this figure.
    Absolute(Figure, Figure),
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) belljar: Figure,
    pub(crate) other: Option<(&'static str, Figure)>,
    /// Belljar's time as a share of the other side's.
    pub(crate) ratio: Option<f64>,
    pub(crate) goal: Goal,
}

impl Row {
    /// Whether the row reaches its must, and its aim.
    fn reached(&self) -> Option<(bool, bool)> {
        let ratio = self.ratio.unwrap_or(f64::NAN);
        let figure = self.belljar.value().unwrap_or(f64::NAN);
        let below = |limit: Figure| figure <= limit.value().unwrap_or(f64::NAN);
        match self.goal {
            Goal::None => None,
            Goal::Times(must, aim) => Some((ratio <= must, ratio <= aim)),
            Goal::Faster(must, aim) => Some((1.0 / ratio >= must, 1.0 / ratio >= aim)),
            Goal::Absolute(must, aim) => Some((below(must), below(aim))),
        }
    }

    fn verdict(&self) -> &'static str {
        match self.reached() {
            None => "",
            Some((_, true)) => "aim",
            Some((true, _)) => "must",
            Some((false, _)) => "missed",
        }
    }

    fn cells(&self) -> [String; 7] {
        let faster = matches!(self.goal, Goal::Faster(..));
        let (must, aim) = match self.goal {
            Goal::None => (String::new(), String::new()),
            Goal::Times(must, aim) => (format!("{must:.2}"), format!("{aim:.2}")),
            Goal::Faster(must, aim) => (format!("{must}x faster"), format!("{aim}x faster")),
            Goal::Absolute(must, aim) => (must.text(), aim.text()),
        };
        let other = match self.other {
            None => String::new(),
            Some((NATIVE, figure)) => figure.text(),
            Some((what, figure)) => format!("{} ({what})", figure.text()),
        };
        let ratio = match self.ratio {
            None => String::new(),
            Some(ratio) if faster => format!("{:.2}x faster", 1.0 / ratio),
            Some(ratio) => format!("{ratio:.2}"),
        };
        [self.name.clone(), self.belljar.text(), other, ratio, must, aim, self.verdict().into()]
    }

    fn json(&self) -> Value {
        let unit = match self.belljar {
            Figure::Micros(_) => Some("us"),
            Figure::Kilobytes(_) => Some("KB"),
            Figure::None => None,
        };
        // Ratio goals are converted to shares of the other side's time, like the ratio itself.
        let (must, aim) = match self.goal {
            Goal::None => (None, None),
            Goal::Times(must, aim) => (Some(must), Some(aim)),
            Goal::Faster(must, aim) => (Some(1.0 / must), Some(1.0 / aim)),
            Goal::Absolute(must, aim) => (must.value(), aim.value()),
        };
        json!({
            "name": self.name,
            "unit": unit,
            "belljar": self.belljar.value(),
            "beside": self.other.map(|(what, _)| what),
            "other": self.other.and_then(|(_, figure)| figure.value()),
            "ratio": self.ratio,
            // The figure that the goal is compared with.
            "goal": match self.goal {
                Goal::None => None,
                Goal::Times(..) | Goal::Faster(..) => Some("ratio"),
                Goal::Absolute(..) => Some("figure"),
            },
            "must": must,
            "aim": aim,
            "reaches_must": self.reached().map(|reached| reached.0),
            "reaches_aim": self.reached().map(|reached| reached.1),
        })
    }
}

/// The name of the other side in most rows.
pub(crate) const NATIVE: &str = "native";

const HEAD: [&str; 7] = ["row", "belljar", "native", "ratio", "must", "aim", "reaches"];

/// Prints the table, and writes it as JSON and as Markdown.
pub(crate) fn print(rows: &[Row], machine: &str, path: &Path) {
    let cells: Vec<[String; 7]> = rows.iter().map(Row::cells).collect();
    let head = HEAD.map(String::from);
    let widths: [usize; 7] = std::array::from_fn(|column| {
        cells.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or(0)
    });
    let line = |row: &[String; 7]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("| {} |", cells.join(" | "))
    };
    let head = format!("{}\n|{}|", line(&head), widths.map(|width| "-".repeat(width + 2)).join("|"));
    println!("{head}");
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for (row, cells) in rows.iter().zip(&cells) {
        let colour = match row.reached() {
            Some((_, true)) => "\x1b[32m",
            Some((true, _)) => "\x1b[33m",
            Some((false, _)) => "\x1b[31m",
            None => "",
        };
        let end = if colour.is_empty() { "" } else { "\x1b[0m" };
        if coloured { println!("{colour}{}{end}", line(cells)) } else { println!("{}", line(cells)) }
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).expect("the folder for the JSON can be made");
    }
    let rows: Vec<Value> = rows.iter().map(Row::json).collect();
    let text = serde_json::to_string_pretty(&json!({ "machine": machine, "rows": rows })).expect("figures are JSON");
    std::fs::write(path, text + "\n").expect("the JSON can be written");
    let table = cells.iter().map(line).fold(head, |table, line| table + "\n" + &line);
    let page = path.with_extension("md");
    std::fs::write(&page, format!("{machine}\n\n{table}\n")).expect("the table can be written");
    println!("\n{machine}\nwritten to {} and {}", path.display(), page.display());
}
