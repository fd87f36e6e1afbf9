// Arithmetic, comparison, conversion, wrapping, typed arrays of BigInt.
const big = 2n ** 128n;
console.log(`${big}`, (-7n / 2n).toString(), `${-7n % 3n}`, big > 1e30, 1n == 1, 1n === 1, typeof big);
console.log(`${BigInt.asUintN(8, 257n)} ${BigInt.asIntN(8, 255n)} ${BigInt("0xff")} ${0b101n} ${1_000_000n}`);
console.log((123456789n ** 5n).toString(36), `${(1n << 70n) >> 3n}`, `${~5n}`, `${0xf0n & 0x3cn}`);
for (const bad of [() => 1n + 1, () => Math.max(1n), () => BigInt(1.5), () => 1n / 0n, () => JSON.stringify(1n), () => +1n]) {
  try { bad(); console.log("fine"); } catch (e) { console.log(e.name); }
}
const array = new BigInt64Array([1n, -1n]);
console.log(`${array[1]}`, `${new BigUint64Array(array.buffer)[1]}`);
let factorial = 1n;
for (let n = 1n; n <= 30n; n++) factorial *= n;
[factorial.toString(), Number(factorial), [3n, 1, 2n].sort().map(String)];
