//! What scripts can import in the command: files of their folder, and nothing else.

use std::fs;

use crate::support::{feed, folder, prints, refuses, run, write};

#[test]
fn a_module_imports_files_of_its_folder() {
    let folder = folder("modules");
    fs::create_dir(folder.join("lib")).expect("it is new");
    write(
        &folder,
        "lib/tax.js",
        "import rates from './rates.json' with { type: 'json' }; export const tax = n => n * rates.DE",
    );
    write(&folder, "lib/rates.json", "{ \"DE\": 0.19 }");
    write(&folder, "lib/typed.ts", "export const double = (n: number): number => n * 2");
    write(&folder, "page.html", "<p>");
    let main = write(
        &folder,
        "main.mjs",
        "import { tax } from './lib/tax.js';\nimport page from './page.html' with { type: 'text' };\n\
         import { double } from './lib/typed.ts';\nconsole.log(tax(100), page, double(4))",
    );
    prints(&[&main], "19 <p> 8\n");
    let script = write(&folder, "script.js", "const { tax } = await import('./lib/tax.js'); console.log(tax(200))");
    prints(&[&script], "38\n");
    let typed = write(
        &folder,
        "main.ts",
        "import { double } from './lib/typed.ts'\nconst n: number = double(21)\nconsole.log(n)",
    );
    prints(&[&typed], "42\n");
    let detected =
        write(&folder, "detected.js", "// a comment\nimport { tax } from './lib/tax.js'\nexport default tax(1)");
    prints(&[&detected], "");
    assert_eq!(run(&["--json", &detected]).code, 0);
}

#[test]
fn an_import_map_names_packages() {
    let folder = folder("import-map");
    write(&folder, "vendor.js", "export default 'vendor'");
    let map =
        write(&folder, "map.json", format!("{{ \"imports\": {{ \"pkg\": \"{}/vendor.js\" }} }}", folder.display()));
    let main = write(&folder, "main.mjs", "import word from 'pkg'; console.log(word)");
    prints(&["--import-map", &map, &main], "vendor\n");
    refuses(&[&main], 1, "there is no such package; bundle it");
    let wrong = write(&folder, "wrong.json", "{ \"import\": {} }");
    refuses(&["--import-map", &wrong, &main], 2, "unknown field `import`");
}

#[test]
fn a_program_holds_what_its_script_imports() {
    let folder = folder("module-program");
    write(&folder, "a.js", "export const a = 'from a'");
    let main = write(&folder, "main.mjs", "import { a } from './a.js'; console.log(a)");
    let program = folder.join("main.jar").display().to_string();
    assert_eq!(run(&["compile", &main, "-o", &program]).code, 0);
    fs::remove_file(folder.join("a.js")).expect("it is there");
    prints(&[&program], "from a\n");
}

#[test]
fn nothing_outside_of_the_folder_is_read() {
    let outer = folder("outside");
    fs::create_dir(outer.join("inner")).expect("it is new");
    write(&outer, "secret.js", "export default 'SECRET'");
    #[cfg(unix)]
    std::os::unix::fs::symlink(outer.join("secret.js"), outer.join("inner/link.js")).expect("links work");
    let absolute = outer.join("secret.js").display().to_string();
    for specifier in [
        "../secret.js",
        "./../secret.js",
        "./x/../../secret.js",
        "./link.js",
        &absolute,
        &format!("file://{absolute}"),
        "./%2e%2e/secret.js",
        "..%2fsecret.js",
        "./.",
        "/dev/zero",
    ] {
        let main =
            write(&outer, "inner/main.mjs", format!("const m = await import({specifier:?}); console.log(m.default)"));
        let ended = run(&[&main]);
        assert_eq!(ended.code, 1, "{specifier}: {}", ended.out);
        assert!(!ended.out.contains("SECRET") && ended.err.contains("cannot import"), "{specifier}: {}", ended.err);
    }
}

#[test]
fn a_prompt_imports_from_the_working_folder_with_await() {
    let fed = feed(&["repl"], b"(await import('./no-such-file.js')).default\n");
    assert!(fed.err.contains("there is no such file"), "{}{}", fed.out, fed.err);
}

#[test]
fn an_error_in_a_module_names_its_file_and_line() {
    let folder = folder("module-errors");
    write(&folder, "bad.js", "\n\n  throw new TypeError('of bad')");
    let main = write(&folder, "main.mjs", "import './bad.js'");
    let ended = run(&[&main]);
    assert!(ended.code == 1 && ended.err.contains("bad.js:3:"), "{}", ended.err);
    write(&folder, "bad.ts", "enum E { A }");
    let main = write(&folder, "typed.mjs", "import './bad.ts'");
    refuses(&[&main], 1, "enum");
}

#[test]
fn json_lines_bring_modules_along() {
    let lines = [
        r#"{"eval": "import { tax } from './lib/tax.js'; export default tax(100)", "name": "a.mjs",
            "modules": {"lib/tax.js": "import r from './r.json' with { type: 'json' }; import { n } from './n.ts'; export const tax = x => x * r[0] + n",
                        "./lib/r.json": "[0.19]", "lib/n.ts": "export const n: number = 1"}}"#,
        r#"{"eval": "(await import('./lib/tax.js')).tax(200)"}"#,
        r#"{"instance": "other", "eval": "await import('./lib/tax.js')"}"#,
        r#"{"compile": "export { default } from './one.js'", "modules": {"one.js": "export default 1"}}"#,
        r#"{"dispatch": {"name": "x"}, "modules": {}}"#,
        r#"{"eval": "import './../x.js'", "name": "a.mjs"}"#,
    ];
    let lines: String = lines.iter().map(|line| line.replace('\n', " ") + "\n").collect();
    let fed = feed(&["json"], lines.as_bytes());
    let answers: Vec<serde_json::Value> =
        fed.out.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!(answers[0]["result"], 20, "{}", fed.out);
    assert_eq!(answers[1]["result"], 39, "{}", fed.out);
    assert_eq!(answers[2]["error"]["code"], "js_error", "{}", fed.out);
    assert!(answers[3]["result"].is_string(), "{}", fed.out);
    assert!(answers[4]["error"]["message"].to_string().contains("modules go with"), "{}", fed.out);
    assert!(answers[5]["error"]["message"].to_string().contains("leaves the folder"), "{}", fed.out);
}
