// Template literals: nesting, raw text, tags, identity of the strings array.
const name = "Ada";
console.log(`hi ${name}, ${`nested ${1 + 1}`} ${[1, 2]} ${{}}`);
const tag = (strings, ...values) => ({ cooked: [...strings], raw: [...strings.raw], values });
console.log(JSON.stringify(tag`a\n${1}b${2}\u{41}`));
console.log(String.raw`C:\new\${name}`, tag`\unicode`.cooked, tag`\unicode`.raw);
const same = () => ((s) => s)`x`;
console.log(same() === same(), Object.isFrozen(same()));
const html = (s, ...v) => s.raw.reduce((out, part, i) => out + part + (i < v.length ? String(v[i]).replace(/</g, "&lt;") : ""), "");
console.log(html`<b>${"<script>"}</b>`);
`line one
line two`;
