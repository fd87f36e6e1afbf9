// Named groups, lookbehind, sticky, unicode, set notation, indices, matchAll, replace functions.
const date = /(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)/u;
const { groups } = date.exec("on 2024-03-10");
console.log({ ...groups }, "2024-03-10".replace(date, "$<day>.$<month>.$<year>"));
console.log("price: $42, cost: €7".match(/(?<=\$)\d+/)[0], "a1b2".match(/(?<!a)\d/)[0]);
console.log([..."a1b22".matchAll(/[a-z](\d+)/g)].map((m) => [m.index, m[1]]));
const sticky = /\d/y;
sticky.lastIndex = 1;
console.log(sticky.test("a1"), sticky.lastIndex, sticky.test("a1"));
console.log("\u{1f514}".match(/^.$/u) !== null, "\u{1f514}".match(/^.$/) === null, /\p{Lu}\p{Script=Greek}/u.test("Ωα".toUpperCase()));
console.log("é1_".replace(/[\p{L}--[a-z]]/v, "L"), /^[[a-z]&&[aeiou]]+$/v.test("aei"));
console.log(/a(?<b>.)/d.exec("xab").indices.groups.b, /x/gimsuy.flags, /a.b/s.test("a\nb"));
console.log("aBc".replace(/b/i, (m, at) => `<${m}${at}>`), "a-b-c".split(/(-)/), "x".replaceAll("x", "$&$&"));
console.log(/(?:a|ab)(?:c|bcd)(?:d*)/.exec("abcd")[0], /(z)((a+)?(b+)?(c))*/.exec("zaacbbbcac"));
/^(?:\+|-)?\d+$/.test("-12");
