// What is not there is simply not there, and what remains of it does not throw.
console.log(typeof Intl, typeof WebAssembly, typeof process, typeof require, typeof window, typeof setTimeout, typeof fetch, typeof std, typeof os, typeof gc);
console.log((1234.5).toLocaleString(), "I".toLocaleLowerCase(), [1.5, 2].toLocaleString(), "a".localeCompare("b"), typeof new Date(0).toLocaleDateString());
console.log(typeof globalThis.print, typeof globalThis.load, typeof globalThis.scriptArgs);
Object.keys(globalThis);
