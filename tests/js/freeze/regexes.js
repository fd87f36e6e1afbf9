// Regexes keep lastIndex and their flags; matches under way go on.
const tick = v => host.rpc('tick', v);
const global = /(?<word>[a-z]+)(?=\d)/g, sticky = /a|b/y, text = 'ab1 cd2 ef3 gh4', log = [];
for (let m; (m = global.exec(text));) log.push(await tick(m.groups.word + m.index), global.lastIndex);
sticky.lastIndex = 1;
const all = text.matchAll(/[a-z](\d)/dg);
log.push(all.next().value.indices[1].join());
await tick('in the middle of matchAll');
log.push(sticky.test('abc'), sticky.lastIndex, ...[...all].map(m => m[1]));
const source = new RegExp('\\p{Lu}+', 'u');
await tick(source.source);
log.push('ÄÖx'.replace(source, s => s.length), source.flags, /^(?:(a)|b)*$/.exec('ab').join('|'));
log;
