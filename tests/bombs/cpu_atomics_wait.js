// Attacks: the thread, by blocking it in `Atomics.wait`. It must be refused, whatever the time to wait.
// Expect: ok
const flag = new Int32Array(new SharedArrayBuffer(4)), wide = new BigInt64Array(new SharedArrayBuffer(8));
const isRefused = (...how) => {
    try { Atomics.wait(...how); } catch (error) { return error instanceof TypeError; }
    return false;
};
isRefused(flag, 0, 0) && isRefused(wide, 0, 0n) && [0, 1, 60000, Infinity, NaN].every(time => isRefused(flag, 0, 0, time));
