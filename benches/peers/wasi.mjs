// One bomb in quickjs-wasi: prints how long it took, how it ended, and whether the same machine takes another script.
import { readFile } from 'node:fs/promises';
import { QuickJS } from 'quickjs-wasi';

const [, , path, limitMs] = process.argv;
const source = await readFile(path, 'utf8');
const wasm = await readFile(new URL(import.meta.resolve('quickjs-wasi/quickjs.wasm')));
let deadline = Infinity;
const vm = await QuickJS.create({ wasm, memoryLimit: 32 << 20, interruptHandler: () => performance.now() > deadline });
const begun = performance.now();
deadline = begun + Number(limitMs);
let ended = 'ok';
try {
    vm.dump(vm.evalCode(source));
    vm.executePendingJobs();
} catch (error) {
    ended = `${error?.name}: ${error?.message}`.slice(0, 200);
}
const ms = performance.now() - begun;
deadline = Infinity;
let usable = false;
try {
    usable = vm.evalCode('1 + 2').toNumber() === 3;
} catch {}
console.log(JSON.stringify({ ms, ended, usable }));
process.exit(0);
