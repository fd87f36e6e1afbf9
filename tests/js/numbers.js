// Numbers and maths, at the edges where engines differ.
console.log(0.1 + 0.2, 1 / 3, 5e-324, 1e21, 123456789012345680000, -1e-7, (25).toString(2), (0.5).toString(16), (255).toString(16));
console.log(Math.hypot(3, 4), Math.fround(5.5), Math.clz32(1), Math.imul(0xffffffff, 5), Math.sign(-3), Math.trunc(-4.7), Math.cbrt(27), Math.log2(8), Math.round(-0.5), Math.round(2.5));
console.log(Number.EPSILON > 0, Number.isInteger(5.0), Number.isSafeInteger(2 ** 53), Number.parseFloat("1.5e3x"), +"", +" 12 ", +"1_0", Number(null), Number(undefined), Number([5]));
console.log(1 << 31, 1 >>> 0, -1 >>> 0, 2 ** 32 | 0, ~~-5.9, 5 % -3, -5 % 3, 0 / 0, 1 / -0, Object.is(-0, 0), 7 & 3, 5 ^ 1);
console.log((1.005).toFixed(2), (1e-7).toFixed(10), (123.456).toPrecision(4), (0).toExponential(2), 0xffn === 255n, 0o17, 0b11, 1_000);
console.log([10, 9, 1].sort(), Math.max(), Math.min(), isNaN("x"), Number.isNaN("x"), [1, 2, 3] + "", [] + {}, +[], !![] + 1, null + 1, "5" * "2", "5" + 2);
Math.sumPrecise ? Math.sumPrecise([0.1, 0.2, 0.3]) : "no sumPrecise";
