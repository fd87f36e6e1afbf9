//! Bytes that a hostile guest may send.

use belljar_abi::values::{DEPTH, MAGIC, Tag};
use serde::de::IgnoredAny;

use super::nodes::check;
use super::{Value, js};

const A: u8 = Tag::Array as u8;
const O: u8 = Tag::Object as u8;
const END: u8 = Tag::End as u8;
const INT: u8 = Tag::Int as u8;
const TEXT: u8 = Tag::Text as u8;
const REF: u8 = Tag::Reference as u8;
const VIEW: u8 = Tag::View as u8;
const BUFFER: u8 = Tag::Buffer as u8;
const MAP: u8 = Tag::Map as u8;

fn refused(nodes: &[u8]) -> &'static str {
    let message = [&[MAGIC], nodes].concat();
    match check(&message) {
        Err(why) => {
            assert!(Value::from_wire(message).is_err());
            why
        }
        Ok(_) => panic!("{nodes:?} is in order"),
    }
}

#[track_caller]
fn value(nodes: &[u8]) -> Value {
    Value::from_wire([&[MAGIC], nodes].concat()).unwrap_or_else(|why| panic!("{nodes:?}: {why}"))
}

#[test]
fn bytes_that_are_not_in_the_form_are_refused_with_a_reason() {
    for (nodes, why) in [
        (&[][..], "it is cut off"),
        (&[11], "there is no such tag"),
        (&[64, 0], "there is no such tag"),
        (&[255], "there is no such tag"),
        (&[END], "an end is where a node belongs"),
        (&[Tag::Null as u8, Tag::Null as u8], "something follows the value"),
        (&[A], "it is cut off"),
        (&[A, END, END], "something follows the value"),
        (&[O, INT, 0, INT, 0, END], "a name is no text"),
        (&[O, TEXT, 1, b'a', END], "an end is where a node belongs"),
        (&[MAP, INT, 0, END], "an end is where a node belongs"),
        // Numbers that are longer than they must be, too long, or too large.
        (&[INT, 0x80, 0], "a number is longer than it must be"),
        (&[INT, 0x80, 0x80, 0x80, 0x80, 0x80, 1], "a number is too long"),
        (&[INT, 0xff, 0xff, 0xff, 0xff, 0x7f], "a number is too large"),
        (&[INT, 0x80], "it is cut off"),
        // Sizes that lie.
        (&[TEXT, 5, b'a'], "it is cut off"),
        (&[TEXT, 0xff, 0xff, 0xff, 0xff, 0x0f, b'a'], "it is cut off"),
        (&[Tag::Wide as u8, 1, 0], "it is cut off"),
        (&[Tag::Wide as u8, 0xff, 0xff, 0xff, 0xff, 0x0f], "a text is cut off"),
        (&[BUFFER, 2, 0], "it is cut off"),
        (&[Tag::Resizable as u8, 2, 1, 0, 0], "a buffer is larger than it can be"),
        (&[Tag::Float as u8, 0, 0], "it is cut off"),
        (&[TEXT, 1, 0xff], "a text is not UTF-8"),
        (&[TEXT, 3, 0xed, 0xa0, 0x80], "a text is not UTF-8"),
        // References forward, and to what is not there.
        (&[REF, 0], "a reference leads forward"),
        (&[A, REF, 1, END], "a reference leads forward"),
        (&[A, REF, 1, A, END, END], "a reference leads forward"),
        (&[A, REF, 0xff, 0xff, 0xff, 0xff, 0x0f, END], "a reference leads forward"),
        // Views.
        (&[VIEW, 2, 0, 0, INT, 0], "a view is of no buffer"),
        (&[A, VIEW, 2, 0, 0, REF, 0, END], "a view is of no buffer"),
        (&[VIEW, 2, 0, 0, REF, 0], "a view is of no buffer"),
        (&[VIEW, 13, 0, 0, BUFFER, 0], "there are no such elements"),
        (&[VIEW, 2, 1, 1, BUFFER, 0], "a view is out of bounds"),
        (&[VIEW, 2, 0, 3, BUFFER, 1, 0], "a view is out of bounds"),
        (&[VIEW, 11, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, BUFFER, 1, 0], "a view is out of bounds"),
        (&[VIEW, 3, 1, 0, BUFFER, 4, 0, 0, 0, 0], "a view is out of bounds"),
        (&[Tag::Boxed as u8, A, END], "a box holds no primitive"),
        (&[Tag::Boxed as u8, Tag::Boxed as u8, INT, 0], "a box holds no primitive"),
        (&[Tag::Boxed as u8, Tag::Null as u8], "a box holds no primitive"),
        (&[Tag::Error as u8, 9, END], "there is no such error"),
        (&[Tag::BigInt as u8, 0], "a BigInt is not written in digits"),
        (&[Tag::BigInt as u8, 2, b'0', b'1'], "a BigInt is not written in digits"),
        (&[Tag::BigInt as u8, 2, b'-', b'0'], "a BigInt is not written in digits"),
        (&[Tag::BigInt as u8, 2, b'1', b'x'], "a BigInt is not written in digits"),
        (&[Tag::RegExp as u8, INT, 0, TEXT, 0], "a text is missing"),
    ] {
        assert_eq!(refused(nodes), why, "{nodes:?}");
    }
    for time in [0.5, 8.65e15, f64::INFINITY] {
        assert_eq!(refused(&[&[Tag::Date as u8], time.to_le_bytes().as_slice()].concat()), "there is no such time");
    }
    assert!(check(b"").is_err() && check(b"[1]").is_err() && check(&[0, INT, 0]).is_err());
}

#[test]
fn depth_is_bounded_and_needs_no_stack() {
    let nest = |depth: usize| [vec![MAP; depth].as_slice(), vec![END; depth].as_slice()].concat();
    // A Map in the place of a key.
    let deep = |depth: usize| {
        let mut nodes = vec![A; depth];
        nodes.push(Tag::Undefined as u8);
        nodes.extend(vec![END; depth]);
        nodes
    };
    assert_eq!(refused(&nest(2)), "an end is where a node belongs");
    assert_eq!(refused(&deep(DEPTH + 1)), "it is nested too deep");
    let deepest = value(&deep(DEPTH));
    assert!(deepest.as_str().starts_with("[[["));
    assert!(deepest.read::<IgnoredAny>().is_ok());
    assert!(deepest.read::<serde_json::Value>().is_err());
    assert!(deepest.exact("value").is_err_and(|why| why.contains("…[0][0]") && why.len() < 200));
    assert_eq!(deepest.lossy("value").map(|text| text.len()), Ok(2 * DEPTH + 4));
    assert_eq!(deepest.read::<Value>().ok(), Some(deepest));
    let sparse: Vec<u8> = (0..DEPTH).flat_map(|_| [Tag::Sparse as u8, 1, TEXT, 1, b'0']).collect();
    let sparse = [sparse.as_slice(), &[INT, 2], &vec![END; DEPTH]].concat();
    assert!(value(&sparse).lossy("value").is_ok());
    assert!(value(&sparse).read::<serde_json::Value>().is_err());
}

#[test]
fn plain_data_in_the_binary_form_becomes_json() {
    let plain = value(&[O, TEXT, 1, b'1', A, INT, 3, Tag::Null as u8, Tag::True as u8, END, END]);
    assert_eq!(plain.as_json(), Some(r#"{"1":[-2,null,true]}"#));
    let lone = value(&[Tag::Wide as u8, 2, 0x61, 0, 0x00, 0xd8]);
    assert_eq!(lone.as_json(), Some(r#""a\ud800""#));
    assert!(value(&[Tag::Undefined as u8]).is_undefined());
    assert!(value(&[A, A, END, REF, 1, END]).as_json().is_none());
}

#[test]
fn a_part_of_a_message_is_a_message_of_its_own() {
    // [map, [map, undefined, outer]], of which the second element holds the whole.
    let whole = value(&[A, MAP, END, A, REF, 1, Tag::Undefined as u8, REF, 0, END, END]);
    assert_eq!(whole.as_str(), "[new Map([]),[<object 1>,undefined,<object 0>]]");
    let Ok((first, second)) = whole.read::<(Value, Value)>() else { panic!("it is a list of two") };
    assert_eq!((first.as_str(), second.as_str()), ("new Map([])", "[new Map([]),undefined,[<object 1>,<object 0>]]"));
    // A view takes its buffer with it.
    let views = value(&[A, BUFFER, 2, 7, 8, VIEW, 2, 1, 2, REF, 1, END]);
    let Ok((_, view)) = views.read::<(Value, Value)>() else { panic!("it is a list of two") };
    assert_eq!(view.read::<js::Bytes>().ok(), Some(js::Bytes(vec![8])));
}
