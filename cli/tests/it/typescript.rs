//! TypeScript runs, and errors name the author's lines, types included.

use serde_json::Value;

use crate::support::{feed, folder, prints, run, write};

/// A script that throws in line 3.
const THROWS: &str = "interface Item { price: number }\nconst total = (items: Item[]): number =>\n    (items as any).sum.of;\ntotal([]);\n";

fn shown(name: &str) -> String {
    format!(
        "Uncaught TypeError: cannot read property 'of' of undefined\n --> {name}:3:6\n  |\n\
         3 |     (items as any).sum.of;\n  |      ^\n    at total ({name}:3:6)\n    at <eval> ({name}:4:1)\n"
    )
}

#[test]
fn a_file_of_typescript_runs() {
    let folder = folder("typescript_runs");
    for ending in ["ts", "mts"] {
        let file = write(
            &folder,
            &format!("main.{ending}"),
            "type N = number;\nconst twice = <T extends N>(n: T): N => n * 2;\nconsole.log(twice<N>(21) as N);",
        );
        prints(&[&file], "42\n");
        prints(&["run", &file], "42\n");
        let out = folder.join(format!("main.{ending}.prog")).to_str().unwrap().to_owned();
        prints(&["compile", &file, "-o", &out], "");
        prints(&[&out], "42\n");
    }
}

#[test]
fn code_that_is_no_file_is_typescript_with_a_flag() {
    prints(&["--ts", "-p", "const n: number = 6; n * 7 as number"], "42\n");
    prints(&["--ts", "-p", "{ a: 1 as number }"], "{ a: 1 }\n");
    prints(&["--ts", "-e", "console.log(<any>1)"], "1\n");
    assert_eq!(feed(&["--ts", "-"], b"enum_(1 as any); function enum_(n: number) { console.log(n) }").out, "1\n");
    let file = write(&folder("typescript_flag"), "main.js", "console.log(1 as number)");
    prints(&["--ts", &file], "1\n");
    let told = run(&[&file]);
    assert!(
        told.err.ends_with(
            "belljar: this looks like TypeScript; rename the file to .ts, or give --ts where the code is no file\n"
        ),
        "{}",
        told.err
    );
}

#[test]
fn an_error_is_shown_with_the_line_of_the_author() {
    let folder = folder("typescript_line");
    let file = write(&folder, "main.ts", THROWS);
    for arguments in [&[file.as_str()][..], &["snapshot", &file, "-o", "/dev/null"], &["-p", "1", &file][..0]] {
        if arguments.is_empty() {
            continue;
        }
        let ended = run(arguments);
        assert_eq!((ended.code, ended.err), (1, shown(&file)), "{arguments:?}");
    }
    let report: Value = serde_json::from_str(&run(&["--json", &file]).out).unwrap();
    let frame = &report["error"]["frame"];
    assert_eq!((&frame["line"], &frame["column"]), (&3.into(), &6.into()));
    assert_eq!(frame["text"], "    (items as any).sum.of;");
}

#[test]
fn what_cannot_be_erased_is_shown_as_an_error_of_the_script() {
    let folder = folder("typescript_refused");
    let file = write(&folder, "main.ts", "let größe: number = 1;\nif (größe) { enum Colour { Red } }\n");
    let shown = format!(
        "Uncaught SyntaxError: an enum cannot be erased, because it is code; write an object: const NAME = {{ A: 'a' }} \
         as const\n --> {file}:2:16\n  |\n2 | if (größe) {{ enum Colour {{ Red }} }}\n  |              ^\n    at {file}:2:16\n"
    );
    let out = folder.join("out").to_str().unwrap().to_owned();
    for arguments in [&[file.as_str()][..], &["compile", &file, "-o", &out], &["snapshot", &file, "-o", &out]] {
        let ended = run(arguments);
        assert_eq!((ended.code, ended.err), (1, shown.clone()), "{arguments:?}");
    }
    let report: Value = serde_json::from_str(&run(&["--json", &file]).out).unwrap();
    assert_eq!((&report["error"]["code"], &report["error"]["name"]), (&"js_error".into(), &"SyntaxError".into()));
    assert_eq!(report["error"]["frame"]["text"], "if (größe) { enum Colour { Red } }");
}

#[test]
fn files_that_hold_more_than_types_are_refused() {
    let folder = folder("typescript_endings");
    for (name, says) in [("a.tsx", "a .tsx file has JSX"), ("a.cts", "rename it to .ts or .mts")] {
        let ended = run(&[&write(&folder, name, "1")]);
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(ended.err.contains(says) && ended.err.contains(":1:1\n"), "{}", ended.err);
    }
}

#[test]
fn a_line_of_the_protocol_is_typescript_by_its_name() {
    let input = concat!(
        "{\"eval\": \"let a: number = 1; a as number\", \"name\": \"a.ts\"}\n",
        "{\"inspect\": \"({ a: 1 as 1 })\", \"name\": \"b.ts\"}\n",
        "{\"eval\": \"\\nlet b: any; b.c\", \"name\": \"c.ts\"}\n",
        "{\"compile\": \"enum A { }\", \"name\": \"d.ts\"}\n",
        "{\"eval\": \"let a: number = 1\"}\n",
    );
    let ended = feed(&["json"], input.as_bytes());
    let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["result"], 1, "{}", ended.out);
    assert_eq!(lines[1]["text"], "{ a: 1 }", "{}", ended.out);
    let frame = &lines[2]["error"]["frame"];
    assert_eq!((&frame["line"], &frame["text"]), (&2.into(), &"let b: any; b.c".into()), "{}", ended.out);
    let message = lines[3]["error"]["message"].as_str().unwrap();
    assert!(message.contains("an enum cannot be erased"), "{message}");
    assert!(lines[4]["error"]["message"].as_str().unwrap().contains("expecting ';'"), "{}", ended.out);
}

#[test]
fn the_prompt_loads_typescript() {
    let folder = folder("typescript_prompt");
    let file = write(
        &folder,
        "main.ts",
        "const n: number = 6;\nfunction fails(a: any): never { throw new Error(a as string) }",
    );
    let ended = feed(&["repl"], format!(".load {file}\nn * 7\nfails('x')\n").as_bytes());
    assert!(ended.out.contains("42\n"), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("2 | function fails(a: any): never { throw new Error(a as string) }"), "{}", ended.err);
}

#[test]
fn a_bench_measures_typescript() {
    let file = write(&folder("typescript_bench"), "main.ts", "const n: number = 1; n as any");
    let ended = run(&["bench", &file, "--rounds", "1", "--threads", "1"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}
