// The sandboxes of npm: takes jobs as lines of JSON, and answers each with the microseconds that it took.
//
// `worker.mjs SANDBOX` takes jobs; `worker.mjs SANDBOX once` evaluates `1+2`, prints it and ends. Each sandbox is used as its README says, with
// the limits on memory and time that it documents, and with what it needs only once (a compiled module) made once.
import { readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const MEMORY_BYTES = 32 << 20;
const TIME_MS = 5000;
const RPC = 'globalThis.host = { rpcSync: (m, p) => JSON.parse(call(m, JSON.stringify(p))) }; 0';
const HANDLER = "p => ({ ok: p.a, l: p.c })";
const PAYLOAD = { a: 1, b: 'two', c: [1, 2, 3] };
const same = (method, text) => JSON.stringify(JSON.parse(text));

const version = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;

async function wasi() {
    const { QuickJS } = await import('quickjs-wasi');
    const wasm = await WebAssembly.compile(await readFile(new URL(import.meta.resolve('quickjs-wasi/quickjs.wasm'))));
    const fresh = async () => {
        let deadline = Infinity;
        const vm = await QuickJS.create({ wasm, memoryLimit: MEMORY_BYTES, interruptHandler: () => performance.now() > deadline });
        const limited = (run) => {
            deadline = performance.now() + TIME_MS;
            return run();
        };
        return {
            eval: (script) => limited(() => vm.evalCode(script).consume((result) => vm.dump(result))),
            host() {
                const call = vm.newFunction('call', (method, text) => vm.newString(same(method.toString(), text.toString())));
                call.consume((it) => vm.setProp(vm.global, 'call', it));
            },
            handler(script) {
                const handle = vm.evalCode(`text => JSON.stringify((${script})(JSON.parse(text)))`);
                return (payload) => limited(() => {
                    const text = vm.newString(JSON.stringify(payload));
                    return JSON.parse(text.consume((text) => vm.callFunction(handle, vm.undefined, text)).consume((it) => it.toString()));
                });
            },
            close: () => vm.dispose(),
        };
    };
    return { version: version('quickjs-wasi'), fresh };
}

async function emscripten(ownModule) {
    const { getQuickJS, newQuickJSWASMModule, newVariant, RELEASE_SYNC } = await import('quickjs-emscripten');
    const path = new URL(import.meta.resolve('@jitl/quickjs-wasmfile-release-sync/wasm'));
    const variant = newVariant(RELEASE_SYNC, { wasmModule: await WebAssembly.compile(await readFile(path)) });
    const shared = await getQuickJS();
    const fresh = async () => {
        const module = ownModule ? await newQuickJSWASMModule(variant) : shared;
        const runtime = module.newRuntime();
        let deadline = Infinity;
        runtime.setMemoryLimit(MEMORY_BYTES);
        runtime.setInterruptHandler(() => performance.now() > deadline);
        const vm = runtime.newContext();
        const limited = (run) => {
            deadline = performance.now() + TIME_MS;
            return run();
        };
        const handles = [];
        return {
            eval: (script) => limited(() => vm.unwrapResult(vm.evalCode(script)).consume((result) => vm.dump(result))),
            host() {
                const call = vm.newFunction('call', (method, text) => vm.newString(same(vm.getString(method), vm.getString(text))));
                call.consume((it) => vm.setProp(vm.global, 'call', it));
            },
            handler(script) {
                const handle = vm.unwrapResult(vm.evalCode(`text => JSON.stringify((${script})(JSON.parse(text)))`));
                handles.push(handle);
                return (payload) => limited(() => vm.newString(JSON.stringify(payload)).consume((text) =>
                    JSON.parse(vm.unwrapResult(vm.callFunction(handle, vm.undefined, text)).consume((it) => vm.getString(it)))));
            },
            close() {
                handles.forEach((handle) => handle.dispose());
                vm.dispose();
                runtime.dispose();
            },
        };
    };
    return { version: version('quickjs-emscripten'), fresh };
}

async function isolated() {
    const { default: ivm } = await import('isolated-vm');
    const timeout = TIME_MS;
    const fresh = async () => {
        const isolate = new ivm.Isolate({ memoryLimit: MEMORY_BYTES >> 20 });
        const context = isolate.createContextSync();
        return {
            eval: (script) => context.evalSync(script, { timeout }),
            host: () => context.global.setSync('call', new ivm.Callback(same)),
            handler(script) {
                const handle = context.evalSync(`text => JSON.stringify((${script})(JSON.parse(text)))`, { reference: true });
                return (payload) => JSON.parse(handle.applySync(undefined, [JSON.stringify(payload)], { timeout }));
            },
            close() {
                context.release();
                isolate.dispose();
            },
        };
    };
    return { version: version('isolated-vm'), fresh };
}

const SANDBOXES = {
    'quickjs-wasi': wasi,
    'quickjs-emscripten': () => emscripten(false),
    'quickjs-emscripten, own module': () => emscripten(true),
    'isolated-vm': isolated,
};

const [, , name, once] = process.argv;
const { version: of, fresh } = await SANDBOXES[name]();

async function timed(runs, run) {
    const begun = performance.now();
    for (let i = 0; i < runs; i++) await run();
    return (performance.now() - begun) * 1000;
}

// Not async, so that no promise per run is part of the figure.
function timedSync(runs, run) {
    const begun = performance.now();
    for (let i = 0; i < runs; i++) run();
    return (performance.now() - begun) * 1000;
}

function expect(is, ought) {
    if (is !== ought) throw new Error(`${is} instead of ${ought}`);
}

const kilobytes = () => Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))[1]);
const kept = [];
let warm;
let dispatch;

const JOBS = {
    cold_start: ({ runs }) => timed(runs, async () => {
        const vm = await fresh();
        expect(vm.eval('1+2'), 3);
        vm.close();
    }),
    eval: ({ runs, script }) => timedSync(runs, () => warm.eval(script)),
    rpc: ({ runs, script }) => timedSync(1, () => warm.eval(`for (let i = 0; i < ${runs}; i++) ${script}`)),
    dispatch: ({ runs }) => timedSync(runs, () => expect(dispatch(PAYLOAD).ok, 1)),
    async memory({ runs }) {
        (await fresh()).eval('1+2');
        globalThis.gc();
        const before = kilobytes();
        for (let i = 0; i < runs; i++) {
            const vm = await fresh();
            vm.eval('1+2');
            kept.push(vm);
        }
        globalThis.gc();
        return kilobytes() - before;
    },
};

if (once) {
    console.log((await fresh()).eval('1+2'));
    process.exit(0);
}
console.log(JSON.stringify({ version: `${name.split(',')[0]} ${of}, Node ${process.versions.node}` }));
for await (const line of createInterface({ input: process.stdin })) {
    const job = JSON.parse(line);
    try {
        if (job.job !== 'memory' && !warm) {
            warm = await fresh();
            warm.host();
            warm.eval(RPC);
            dispatch = warm.handler(HANDLER);
        }
        console.log(JSON.stringify({ figure: await JOBS[job.job](job) }));
    } catch (error) {
        console.log(JSON.stringify({ error: String(error?.message ?? error) }));
    }
}
process.exit(0);
