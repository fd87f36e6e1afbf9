// A deep stack of async calls, recursion with a call at every level, and many calls in flight.
const tick = v => host.rpc('tick', v);
const down = async n => n ? 1 + await down(n - 1) : await tick(0);
const depth = await down(200);
const hanoi = async (n, from, to, by) => n ? (await hanoi(n - 1, from, by, to)) + await tick(1) + (await hanoi(n - 1, by, to, from)) : 0;
const moves = await hanoi(3, 'a', 'c', 'b');
const many = await Promise.all(Array.from({ length: 5 }, async (_, i) => (await tick(i)) * (await tick(i))));
[depth, moves, many];
