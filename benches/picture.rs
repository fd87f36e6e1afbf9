//! Draws the results of the benches, and inserts their tables into the pages: `make bench-plot` and `make
//! bench-peers`.
//!
//! It knows only the JSON that a bench writes. No figure in a page is typed by hand.
//!
//! `picture rows BENCH.json BENCH.md OUT.svg TABLE.md PAGE.md`, `picture peers PEERS.json OUT.svg`; both through
//! `cargo bench --bench picture --`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "this is a tool of the repository: it prints, and stops where it cannot go on"
)]

use std::fmt::Write;
use std::fs;

use serde_json::Value;

/// Marks the place of the table in the page.
const BEGIN: &str = "<!-- bench: written by `make bench-plot` -->\n";
const END: &str = "<!-- /bench -->";

/// Colours that are readable on white and on black; text follows the colour scheme of the page.
const STYLE: &str = "text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#57606a}\
.head{font-weight:600;font-size:13px}.faint{fill:#848d97;font-size:11px}.line{stroke:#848d97;stroke-opacity:.35}\
.one{stroke:#848d97}.good{fill:#2da44e}.fair{fill:#bf8700}.bad{fill:#cf222e}.plain{fill:#4c8dd6}.must{stroke:#cf222e}.aim{stroke:#2da44e}\
@media(prefers-color-scheme:dark){text{fill:#c9d1d9}.faint{fill:#8b949e}}";

const WIDTH: f64 = 900.0;
/// The left end of the scale, after the names, and its right end.
const LEFT: f64 = 290.0;
const RIGHT: f64 = 780.0;
const LINE: f64 = 19.0;

/// A drawing that grows downwards.
#[derive(Default)]
struct Drawing {
    body: String,
    height: f64,
}

impl Drawing {
    fn text(&mut self, x: f64, anchor: &str, class: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let y = self.height + 4.0;
        writeln!(self.body, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{text}</text>")
            .unwrap();
    }

    /// A vertical mark on one line.
    fn mark(&mut self, x: f64, class: &str, half: f64) {
        let (above, below) = (self.height - half, self.height + half);
        writeln!(
            self.body,
            "<line x1=\"{x:.1}\" y1=\"{above:.1}\" x2=\"{x:.1}\" y2=\"{below:.1}\" class=\"{class}\" stroke-width=\"2\"/>"
        )
        .unwrap();
    }

    fn dot(&mut self, x: f64, class: &str) {
        let y = self.height;
        writeln!(self.body, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" class=\"{class}\"/>").unwrap();
    }

    fn down(&mut self, by: f64) {
        self.height += by;
    }

    fn finish(self, label: &str) -> String {
        let height = self.height + 12.0;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{label}\">\n\
             <style>{STYLE}</style>\n{}</svg>\n",
            self.body
        )
    }
}

/// A logarithmic scale from the smallest to the largest value, rounded outwards to powers of its base.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(figures: impl Iterator<Item = f64>) -> Scale {
        let (low, high) = figures.fold((1.0_f64, 1.0_f64), |(low, high), figure| (low.min(figure), high.max(figure)));
        Scale { low: low.log10() - 0.1, high: high.log10() + 0.1 }
    }

    fn x(&self, figure: f64) -> f64 {
        LEFT + (figure.log10() - self.low) / (self.high - self.low) * (RIGHT - LEFT)
    }

    /// The ticks: 1, 2 and 5 times each power of ten; on a long scale only the powers.
    fn ticks(&self) -> Vec<f64> {
        let steps: &[f64] = if self.high - self.low > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let powers = (self.low.floor() as i32)..=(self.high.ceil() as i32);
        let all = powers.flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
        all.filter(|tick| (self.low..=self.high).contains(&tick.log10())).collect()
    }

    /// Draws the scale's vertical lines, with their figures, across this many lines.
    fn draw(&self, drawing: &mut Drawing, lines: usize, unit: impl Fn(f64) -> String) {
        let bottom = drawing.height + LINE * lines as f64 + 8.0;
        for tick in self.ticks() {
            let (x, y) = (self.x(tick), drawing.height + 8.0);
            drawing.text(x, "middle", "faint", &unit(tick));
            let class = if tick == 1.0 { "one" } else { "line" };
            writeln!(
                drawing.body,
                "<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" class=\"{class}\"/>"
            )
            .unwrap();
        }
        drawing.down(LINE + 2.0);
    }
}

/// A row of `make bench`, as drawn.
struct Row {
    name: String,
    share: f64,
    must: Option<f64>,
    aim: Option<f64>,
    label: String,
}

impl Row {
    fn class(&self) -> &'static str {
        match (self.must, self.aim) {
            (_, Some(aim)) if self.share <= aim => "good",
            (Some(must), _) if self.share <= must => "fair",
            (Some(_), _) => "bad",
            _ => "plain",
        }
    }

    fn figures(&self) -> impl Iterator<Item = f64> {
        [Some(self.share), self.must, self.aim].into_iter().flatten()
    }
}

fn number(value: &Value, key: &str) -> Option<f64> {
    value[key].as_f64()
}

fn times(figure: f64) -> String {
    let digits = if figure < 0.095 { 2 } else { usize::from(figure < 10.0 && figure.fract() != 0.0) };
    format!("{figure:.digits$}x")
}

/// A row beside native QuickJS, as a share of its time or memory.
fn beside_native(row: &Value) -> Option<Row> {
    let ratio = number(row, "ratio")?;
    if row["beside"].as_str().is_some_and(|beside| beside != "native") {
        return None;
    }
    // An absolute goal is drawn as a share of the other side's figure, like the row itself.
    let unit = if row["goal"] == "figure" { number(row, "other")? } else { 1.0 };
    let goal = |key| number(row, key).map(|goal| goal / unit);
    let label = if ratio < 0.5 { format!("{} less", times(1.0 / ratio)) } else { format!("{ratio:.2}") };
    Some(Row { name: row["name"].as_str()?.into(), share: ratio, must: goal("must"), aim: goal("aim"), label })
}

/// A row with a goal but without a native side, as a share of its must.
fn beside_goal(row: &Value) -> Option<Row> {
    if row["beside"] == "native" || (row["beside"].is_null() && row["goal"] != "figure") {
        return None;
    }
    let (must, aim) = (number(row, "must")?, number(row, "aim")?);
    let figure = if row["goal"] == "figure" { number(row, "belljar")? } else { number(row, "ratio")? };
    let share = figure / must;
    Some(Row {
        name: row["name"].as_str()?.into(),
        share,
        must: Some(1.0),
        aim: Some(aim / must),
        label: format!("{share:.2}"),
    })
}

fn panel(drawing: &mut Drawing, head: &str, rows: &[Row]) {
    drawing.down(26.0);
    drawing.text(12.0, "start", "head", head);
    drawing.down(LINE + 4.0);
    let scale = Scale::of(rows.iter().flat_map(Row::figures));
    scale.draw(drawing, rows.len(), times);
    for row in rows {
        drawing.text(LEFT - 12.0, "end", "", &row.name);
        row.must.iter().for_each(|must| drawing.mark(scale.x(*must), "must", 6.0));
        row.aim.iter().for_each(|aim| drawing.mark(scale.x(*aim), "aim", 6.0));
        drawing.dot(scale.x(row.share), row.class());
        drawing.text(RIGHT + 12.0, "start", "faint", &row.label);
        drawing.down(LINE);
    }
}

fn draw_rows(bench: &Value) -> String {
    let rows = bench["rows"].as_array().expect("the JSON has rows");
    let mut drawing = Drawing::default();
    drawing.down(6.0);
    drawing.down(12.0);
    drawing.text(12.0, "start", "faint", bench["machine"].as_str().unwrap_or_default());
    let native: Vec<Row> = rows.iter().filter_map(beside_native).collect();
    let goals: Vec<Row> = rows.iter().filter_map(beside_goal).collect();
    drawing.down(LINE);
    drawing.text(12.0, "start", "faint", "further left is better; red stroke: must, green stroke: aim; a dot is green at its aim, amber at its must, red before that");
    if !native.is_empty() {
        panel(&mut drawing, "belljar, every limit armed, as a share of native QuickJS without a sandbox", &native);
    }
    if !goals.is_empty() {
        panel(&mut drawing, "what has no native side, as a share of what it must reach", &goals);
    }
    drawing.finish("What belljar costs beside native QuickJS")
}

/// The lines of a table that have a goal, and one sentence about them.
fn with_goals(page: &str) -> String {
    let mut lines = page.lines().filter(|line| line.starts_with('|'));
    let head: Vec<&str> = lines.by_ref().take(2).collect();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<&str> = lines.filter(|line| !cells(line)[7].is_empty()).collect();
    let reached = |what: &str| rows.iter().filter(|line| cells(line)[7] == what).count();
    let missed: Vec<String> =
        rows.iter().filter(|line| cells(line)[7] == "missed").map(|line| format!("`{}`", cells(line)[1])).collect();
    let missed = match missed.as_slice() {
        [] => String::from("none misses what it must"),
        names => format!("{} not even that", names.join(", ")),
    };
    let machine = page.lines().next().unwrap_or_default();
    format!(
        "{}\n{}\n{}\n\nOf {} rows with a goal, {} reach their aim, {} what they must, {missed}. Measured: {machine}.\n",
        head[0],
        head[1],
        rows.join("\n"),
        rows.len(),
        reached("aim"),
        reached("must"),
    )
}

/// The page with its table replaced.
fn replaced(page: &str, table: &str) -> String {
    let from = page.find(BEGIN).expect("the page says where the table begins") + BEGIN.len();
    let to = from + page[from..].find(END).expect("the page says where the table ends");
    format!("{}\n{table}\n{}", &page[..from], &page[to..])
}

/// One panel for each job, one line for each sandbox; the scale is the job's own figure.
fn draw_peers(peers: &Value) -> String {
    let mut drawing = Drawing::default();
    drawing.down(18.0);
    drawing.text(12.0, "start", "faint", peers["machine"].as_str().unwrap_or_default());
    drawing.down(LINE);
    drawing.text(12.0, "start", "faint", "further left is better; each scale is logarithmic");
    for job in peers["jobs"].as_array().expect("the JSON has jobs") {
        let unit = job["unit"].as_str().unwrap_or_default();
        let mut figures: Vec<(&str, f64)> = job["figures"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, figure)| Some((name.as_str(), figure.as_f64()?)))
            .collect();
        figures.sort_by(|one, other| one.1.total_cmp(&other.1));
        let Some((_, least)) = figures.first() else { continue };
        drawing.down(26.0);
        drawing.text(12.0, "start", "head", &format!("{} ({unit})", job["name"].as_str().unwrap_or_default()));
        // Every scale includes 1. The smallest figure is scaled to 1, so that bars are comparable within a job and
        // fill the width.
        let scale = Scale::of(figures.iter().map(|figure| figure.1 / least));
        drawing.down(LINE);
        for (name, figure) in &figures {
            let (from, to, y) = (LEFT, scale.x(figure / least), drawing.height - 6.0);
            let class = if *name == "belljar" { "good" } else { "plain" };
            writeln!(
                drawing.body,
                "<rect x=\"{from:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"12\" rx=\"2\" class=\"{class}\"/>",
                to - from
            )
            .unwrap();
            drawing.text(LEFT - 12.0, "end", "", name);
            let digits = if *figure < 10.0 { 2 } else { usize::from(*figure < 1000.0) };
            drawing.text(to + 8.0, "start", "faint", &format!("{figure:.digits$}"));
            drawing.down(LINE - 2.0);
        }
    }
    drawing.finish("belljar beside other sandboxes")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let read =
        |path: &str| fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}; run `make bench` first"));
    let json = |path: &str| serde_json::from_str::<Value>(&read(path)).expect("the file is JSON");
    match arguments.as_slice() {
        ["rows", bench, page, picture, table, readme] => {
            fs::write(picture, draw_rows(&json(bench))).expect("the picture can be written");
            let measured = read(page);
            fs::write(table, format!("# Every row of `make bench`\n\n{measured}")).expect("the table can be written");
            fs::write(readme, replaced(&read(readme), &with_goals(&measured))).expect("the page can be written");
            println!("written to {picture}, {table} and {readme}");
        }
        ["peers", peers, picture] => {
            fs::write(picture, draw_peers(&json(peers))).expect("the picture can be written");
            println!("written to {picture}");
        }
        _ => println!("picture rows BENCH.json BENCH.md OUT.svg TABLE.md PAGE.md\npicture peers PEERS.json OUT.svg"),
    }
}
