// Unicode, padding, searching, well-formedness, normalisation, locale-free case mapping.
const s = "Zürich \u{1f514}";
console.log(s.length, [...s].length, s.at(0), s.codePointAt(7).toString(16), s.normalize("NFD").length, s.toUpperCase(), "ß".toUpperCase(), "İ".toLowerCase().length);
console.log("a".padStart(3, "xy"), "a".padEnd(4, "-"), " t ".trim() + "|", "abcabc".lastIndexOf("b"), "abc".substring(2, 0), "abc".slice(-2, -1), "abc".substr(1, 1));
console.log("\ud800".isWellFormed(), "a\ud800".toWellFormed().codePointAt(1).toString(16), "x".localeCompare("y"), "a,b,,c".split(","), "abc".split(""));
console.log(encodeURIComponent("ü&/ \u{1f514}"), decodeURIComponent("%C3%BC"), escape("ü"), String.fromCodePoint(128276) === "\u{1f514}");
console.log("aXbX".replaceAll("X", (m, at) => at), "abc".includes("bc", 1), "abc".startsWith("b", 1), "ab".repeat(2), "a\u0301" === "á", "a\u0301".normalize() === "á");
console.log([..."👩‍👩‍👧"].length, "z" > "A", "10" < "9", "b".codePointAt(), "\x41\u0042\u{43}", "a\
b");
["ä", "a", "z"].sort().join("") + parseInt("12px") + Number("0x1f") + (25).toString(36) + (0.000001234).toString() + (1234.5678).toFixed(2) + (1e21 + 1).toPrecision(3);
