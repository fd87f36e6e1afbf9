// Maps and sets keep their order, their keys by identity and their iterators' places.
const tick = v => host.rpc('tick', v);
const key = { is: 'key' }, map = new Map([[key, 1], [NaN, 2], [-0, 3], ['x', new Set([1, 2, 3])]]);
const entries = map.entries(), members = map.get('x').values();
entries.next(); members.next();
await tick('iterators are under way');
map.delete(NaN); map.set('late', 5); map.get('x').add(4).delete(2);
await tick('changed meanwhile');
console.log(map.get(key), map.has({ is: 'key' }), Object.is([...map.keys()][1], 0));
const rest = [];
for (const [k, v] of entries) rest.push([String(k?.is ?? k), v instanceof Set ? 'set' : v]);
const weak = new WeakMap([[key, 'hidden']]), known = new WeakSet([key]);
await tick('weak ones');
const groups = Map.groupBy([1, 2, 3, 4], n => n % 2 ? 'odd' : 'even');
await tick('grouped');
[rest, [...members], weak.get(key), known.has(key), [...groups], map.size];
