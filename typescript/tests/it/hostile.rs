//! Sources that try to take the stack, the time or the memory of the host.

use std::thread;

use belljar_typescript::{SyntaxError, strip};

/// Every construct that holds another: what begins it, what stands in the middle, and what ends it.
const NESTED: [(&str, &str, &str); 75] = [
    ("(", "1", ")"),
    ("[", "1", "]"),
    ("({a:", "1", "})"),
    ("f(", "1", ")"),
    ("a[", "1", "]"),
    ("`${", "1", "}`"),
    ("{", "1", "}"),
    ("(a=", "1", ")=>1"),
    ("(a=(b:1)=>", "1", ")=>1"),
    ("a=>", "1", ""),
    ("(a:1)=>", "1", ""),
    ("async a=>", "1", ""),
    ("<T>(a:T)=>", "1", ""),
    ("()=>{", "1", "}"),
    ("function f(){", "1", "}"),
    ("(function(){", "1", "})"),
    ("(function(a=", "1", "){})"),
    ("class A{b=", "1", "}"),
    ("(class{b(){", "1", "}})"),
    ("(class{static{", "1", "}})"),
    ("(class extends ", "B", "{})"),
    ("class A extends f(class{", "", "}){}"),
    ("(class{[", "1", "]=1})"),
    ("({get a(){", "1", "}})"),
    ("!", "1", ""),
    ("- ", "1", ""),
    ("typeof ", "1", ""),
    ("await ", "1", ""),
    ("new ", "A", ""),
    ("++", "a", ""),
    ("yield ", "1", ""),
    ("1+", "1", ""),
    ("1**", "1", ""),
    ("a=", "1", ""),
    ("a?", "1", ":2"),
    ("a?1:", "2", ""),
    ("a?(b):", "2", ""),
    ("a?(b)", "=>1", ":c=>d"),
    ("if(1)", "1", ""),
    ("if(1)1;else ", "1", ""),
    ("for(;;)", "1", ""),
    ("while(1)", "1", ""),
    ("do ", "1", ";while(0)"),
    ("with(a)", "1", ""),
    ("a:", "1", ""),
    ("switch(1){case 1:", "1", "}"),
    ("try{", "1", "}finally{}"),
    ("a.", "b", ""),
    ("a", "", "!.b"),
    ("a", "", "?.b"),
    ("a", "", "<T>()"),
    ("a", "", " as T"),
    ("<T>", "a", ""),
    ("a<", "b", ""),
    ("a<b>", "(1)", ""),
    ("let a:(", "1", ")"),
    ("type A=(", "1", ")"),
    ("let {a:", "b", "}=1"),
    ("let [", "b", "]=1"),
    ("import {a}from'b';", "", ""),
    ("declare module A{", "", "}"),
    ("namespace A{", "", "}"),
    ("export ", "1", ""),
    ("declare ", "let a", ""),
    ("abstract ", "class A{}", ""),
    ("@a ", "class A{}", ""),
    ("<a>", "", "</a>"),
    ("import(", "1", ")"),
    ("a;", "1", ""),
    ("a,", "1", ""),
    ("//\n", "1", ""),
    ("var a=", "1", ";"),
    ("({a", "=1", "}={})"),
    ("`", "`", ""),
    ("}", "", "{"),
];

/// The same inside a type.
const NESTED_TYPES: [(&str, &str, &str); 27] = [
    ("(", "1", ")"),
    ("[", "1", "]"),
    ("[a?:", "1", "]"),
    ("{a:", "1", "}"),
    ("{[a in B]:", "1", "}"),
    ("{[a in ", "B", "]:1}"),
    ("{a(b:", "1", "):1}"),
    ("A<", "1", ">"),
    ("A[", "1", "]"),
    ("A", "", "[]"),
    ("keyof ", "1", ""),
    ("infer ", "A", ""),
    ("readonly ", "A[]", ""),
    ("A|", "1", ""),
    ("A&", "1", ""),
    ("()=>", "1", ""),
    ("new()=>", "1", ""),
    ("<T>(a:T)=>", "1", ""),
    ("(a:", "1", ")=>1"),
    ("({a:", "b", "}:1)=>1"),
    ("<T extends ", "1", ">()=>1"),
    ("A extends B?", "1", ":2"),
    ("A extends B?1:", "2", ""),
    ("A extends ", "1", ""),
    ("`${", "1", "}`"),
    ("typeof a.", "b", ""),
    ("import('a').B<", "1", ">"),
];

/// Strips on a thread with a stack that is smaller than that of any thread that the standard library starts.
fn on_a_small_stack(source: String) -> Result<String, SyntaxError> {
    let strip = move || strip(&source, "hostile.ts").map(|left| left.into_owned());
    thread::Builder::new().stack_size(1 << 20).spawn(strip).unwrap().join().expect("the parser does not panic")
}

fn nested((open, middle, close): (&str, &str, &str), depth: usize) -> String {
    format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
}

fn typed((open, middle, close): (&str, &str, &str), depth: usize) -> String {
    format!("type T = {};", nested((open, middle, close), depth))
}

#[test]
fn no_nesting_overflows_the_stack() {
    for depth in [240, 490, 20_000] {
        for construct in NESTED {
            let _ = on_a_small_stack(nested(construct, depth));
            // Without its end, and behind every other beginning.
            let _ = on_a_small_stack(construct.0.repeat(depth));
        }
        for construct in NESTED_TYPES {
            let _ = on_a_small_stack(typed(construct, depth));
            let _ = on_a_small_stack(format!("type T = {}", construct.0.repeat(depth)));
        }
    }
    for (outer, _, _) in NESTED {
        for (inner, _, _) in NESTED {
            let _ = on_a_small_stack(format!("{outer}{inner}").repeat(400));
        }
    }
}

#[test]
fn what_is_nested_too_deeply_is_an_error_with_its_place() {
    let error = on_a_small_stack(nested(("(", "1", ")"), 1000)).unwrap_err();
    assert!(error.message.contains("nested too deeply"), "{error}");
    assert!((400..600).contains(&error.column), "{error}");
    let error = on_a_small_stack(typed(("[", "1", "]"), 1000)).unwrap_err();
    assert!(error.message.contains("nested too deeply"), "{error}");
}

#[test]
fn what_people_nest_is_allowed() {
    // What may hold itself once may do so seventy times.
    let mut nested_well = 0;
    for construct in NESTED.into_iter().filter(|construct| on_a_small_stack(nested(*construct, 2)).is_ok()) {
        let parsed = on_a_small_stack(nested(construct, 70));
        assert!(parsed.is_ok(), "{construct:?}: {parsed:?}");
        nested_well += 1;
    }
    assert!(nested_well > 50, "only {nested_well}");
    for construct in NESTED_TYPES.into_iter().filter(|construct| on_a_small_stack(typed(*construct, 2)).is_ok()) {
        let parsed = on_a_small_stack(typed(construct, 200));
        assert!(parsed.is_ok(), "{construct:?}: {parsed:?}");
    }
}

#[test]
fn chains_may_be_long() {
    for construct in [
        ("1+", "1", ""),
        ("a=", "1", ""),
        ("a?1:", "2", ""),
        ("!", "1", ""),
        ("a.", "b", ""),
        ("a", "", " as T"),
        ("a", "", "!.b()"),
        ("a=>", "1", ""),
        ("if(1)1;else ", "1", ""),
        ("a;", "", ""),
        ("1,", "1", ""),
        ("f(1);", "", ""),
    ] {
        let parsed = on_a_small_stack(nested(construct, 20_000));
        assert!(parsed.is_ok(), "{construct:?}: {}", parsed.unwrap_err());
    }
    for construct in [("A|", "1", ""), ("A", "", "[]"), ("A extends B?1:", "2", ""), ("keyof ", "1", "")] {
        let parsed = on_a_small_stack(typed(construct, 20_000));
        assert!(parsed.is_ok(), "{construct:?}: {}", parsed.unwrap_err());
    }
}

/// Each of these doubled the time with every repetition, if attempts were repeated inside of attempts.
#[test]
fn attempts_inside_of_attempts_end() {
    for part in [
        "a?(b):c=>",
        "a?(b):(c):d=>",
        "a?(b)=>(c):(d):e=>",
        "a<(b,",
        "a<{[a<",
        "a<(b)=>{[",
        "<T>(a=",
        "<T>(",
        "async<T>(a,",
        "(a,b=(c,",
        "((a:",
        "(a?:",
        "a?(b,(c):(",
        "a<b<c<",
        "f<T>(a<b,c>(",
        "a?b?(c):(d=>",
    ] {
        for times in [30, 150, 5000, 40_000] {
            let _ = on_a_small_stack(part.repeat(times));
        }
    }
    for part in ["({a:", "((a,", "({a:(", "<T>(a:(", "(a:({b:", "new(a:(", "{[a:"] {
        for times in [30, 150, 5000, 40_000] {
            let _ = on_a_small_stack(format!("type T={}", part.repeat(times)));
        }
    }
}

#[test]
fn work_is_bounded_and_what_stays_under_the_bound_is_stripped() {
    // Each `<` might begin types that go on to the end, which the last character refuses.
    let comment = "/**/".repeat(20_000);
    let source = |times: usize| format!("{}b {comment}{}", "a<(".repeat(times), ")".repeat(times));
    assert!(on_a_small_stack(source(10)).is_ok());
    let error = on_a_small_stack(source(100)).unwrap_err();
    assert!(error.message.contains("too much that could be a type"), "{error}");
    assert_eq!(on_a_small_stack("let a: b".into()).unwrap(), "let a   ");
}

#[test]
fn a_source_may_have_ten_megabytes_and_no_more() {
    let line = "let a: number = 1;\n";
    let most = line.repeat((10 << 20) / line.len());
    assert!(strip(&most, "most.ts").is_ok());
    let more = most + line;
    let error = strip(&more, "more.ts").unwrap_err();
    assert!(error.message.contains("limited to 10 MB"), "{error}");
}

#[test]
fn every_prefix_of_a_source_is_stripped_or_refused() {
    let source = include_str!("../cases/type_aliases.ts").to_owned() + include_str!("../cases/members.ts");
    for end in (0..source.len()).filter(|end| source.is_char_boundary(*end)) {
        if let Ok(left) = strip(&source[..end], "prefix.ts") {
            assert_eq!(left.len(), end);
        }
    }
}
