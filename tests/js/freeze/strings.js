// Strings of every width, ropes, surrogates, normal forms, and iterators half way.
const tick = v => host.rpc('tick', v);
let rope = '';
for (let i = 0; i < 500; i++) rope += i % 2 ? 'ä' : 'x' + i;
const wide = '\u{1f514}\ud800 é e\u0301', letters = wide[Symbol.iterator]();
letters.next();
await tick(rope.length);
rope += await tick('🔔');
const template = (s => s)`a${1}b`;
await tick([...wide].length);
[rope.length, rope.slice(-3), [...letters].length, wide.isWellFormed(), wide.normalize('NFC').length, template.raw === ((s => s)`a${1}b`).raw,
  escape(wide.slice(0, 2)), 'abc'.at(-1), rope.lastIndexOf('x4')];
