// Attacks: what a script may know of the machine, by looking for a way out in every name that other engines have.
// Expect: ok
const names = ['process', 'require', 'module', 'std', 'os', 'bjson', 'Deno', 'Bun', 'WebAssembly', 'fetch', 'XMLHttpRequest', 'Worker', 'scriptArgs',
    'print', 'load', 'read', '__loadScript', 'SharedWorker', 'navigator', 'importScripts', 'gc', '$262', 'setTimeout', 'agent'];
names.every(name => typeof globalThis[name] === 'undefined' && !Reflect.has(globalThis, name));
