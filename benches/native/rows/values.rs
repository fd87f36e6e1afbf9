//! Values on their way out of a script and into it: plain data, what JSON has no form for, and bytes.

use std::hint::black_box;

use belljar::Instance;
use belljar::js::Bytes;

use crate::report::Goal;
use crate::{Bench, timed};

/// What the other side of the rows of bytes does.
const BASE64: &str = "base64 in JSON";

pub(super) fn values(bench: &mut Bench, mut jar: Instance) {
    jar.eval(
        "globalThis.plain = { id: 7, name: 'ada', tags: ['a', 'b'], at: 1.5, ok: true, next: null };
         globalThis.rich = { id: 7n, name: 'ada', tags: new Set(['a', 'b']), at: new Date(0), ok: true, next: undefined };
         globalThis.bytes = new Uint8Array(1 << 20).map((_, at) => at * 7);
         globalThis.list = Array.from({ length: 214 }, (_, id) => ({ id, name: 'item number ' + id, ok: true }));
         host.on('echo', value => value); host.on('take', value => value.length);
         host.on('take base64', text => Uint8Array.fromBase64(text).length);
         host.on('clone', () => { structuredClone(list) }); host.on('clone json', () => { JSON.parse(JSON.stringify(list)) })",
    )
    .unwrap();
    for (name, script) in [("values/plain object", "plain"), ("values/object with Date, Set and BigInt", "rich")] {
        let value = jar.eval(script).unwrap();
        bench.alone(name, Goal::None, &mut |runs| {
            timed(runs, || drop(black_box(jar.dispatch("echo", &value).unwrap())))
        });
    }
    // The two sides share the instance, and take turns.
    let jar = std::cell::RefCell::new(jar);
    bench.pair(
        "values/1 MB of bytes out",
        Goal::Faster(10.0, 10.0),
        BASE64,
        &mut |runs| timed(runs, || drop(black_box(jar.borrow_mut().eval("bytes").unwrap().get::<Bytes>().unwrap()))),
        &mut |runs| {
            timed(runs, || drop(black_box(jar.borrow_mut().eval("bytes.toBase64()").unwrap().get::<String>().unwrap())))
        },
    );
    let bytes: Bytes = jar.borrow_mut().eval("bytes").unwrap().get().unwrap();
    let text: String = jar.borrow_mut().eval("bytes.toBase64()").unwrap().get().unwrap();
    bench.pair(
        "values/1 MB of bytes in",
        Goal::Faster(10.0, 10.0),
        BASE64,
        &mut |runs| timed(runs, || drop(black_box(jar.borrow_mut().dispatch("take", &bytes).unwrap()))),
        &mut |runs| timed(runs, || drop(black_box(jar.borrow_mut().dispatch("take base64", &text).unwrap()))),
    );
    bench.pair(
        "values/structuredClone of 10 KB",
        Goal::None,
        "JSON.parse of JSON.stringify",
        &mut |runs| timed(runs, || drop(black_box(jar.borrow_mut().dispatch("clone", &()).unwrap()))),
        &mut |runs| timed(runs, || drop(black_box(jar.borrow_mut().dispatch("clone json", &()).unwrap()))),
    );
}
