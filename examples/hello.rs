//! A minimal program: a sealed instance, a value from it, and one handler of the host.
//!
//! Shows: [`Runtime`], [`Router::handle`], [`Instance::eval`](belljar::Instance::eval), and what a script finds when
//! it looks for other ways to reach the host.
#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use belljar::{Call, Limits, Router, Runtime};

fn main() -> belljar::Result<()> {
    let runtime = Runtime::new()?;
    let router = Router::new().handle("greet", |_: &Call, name: String| Ok(format!("Hello, {name}!")));
    let mut jar = runtime.instance(&router, &Limits::default())?;

    let sum: i64 = jar.eval("[1, 2, 3, 4].reduce((total, n) => total + n)")?.get()?;
    println!("the script counted to {sum}");
    assert_eq!(sum, 10);

    let greeting: String = jar.eval("host.rpcSync('greet', 'world')")?.get()?;
    println!("the host answered: {greeting}");
    assert_eq!(greeting, "Hello, world!");

    let ways_out = "[typeof require, typeof process, typeof fetch, typeof Deno, typeof std, typeof os]";
    let ways_out: Vec<String> = jar.eval(ways_out)?.get()?;
    println!("require, process, fetch, Deno, std, os are: {}", ways_out.join(", "));
    assert!(ways_out.iter().all(|kind| kind == "undefined"));

    // Instances share no globals.
    jar.eval("globalThis.secret = 42")?;
    let mut other = runtime.instance(&router, &Limits::default())?;
    let seen: String = other.eval("typeof secret")?.get()?;
    println!("what another instance sees of the first one's global: {seen}");
    assert_eq!(seen, "undefined");
    Ok(())
}
