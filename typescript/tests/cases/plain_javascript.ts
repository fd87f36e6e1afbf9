const a = { b: 1, c() { return this.b }, get d() { return 2 }, async *e() { yield* [1] }, [`f`]: x => x ** 2 };
class G extends Object { static #h = 1; static { #h in this } i = 1; *j() { } get k() { return a?.b ?? 1 } static async l() { } }
label: for (const [m, n = 1] of [[1]]) { if (m < n || n > (1)) continue label; else break }
var o = a.b / 2 / 1, p = /re[/]g/u, q = `t${`u${1}`}`, r = async x => await x, s = (x, y) => ({ x, ...y }), t = function* () { const z = yield 1; yield };
switch (o) { case 1: default: } do ; while (0) if (o) ; else ; try { throw 0 } catch { } finally { }
let u = o ? p : q ? r : s, v = o < p, w = o > p, bb = new Map, cc = new (class { }), dd = typeof void 0, ee = -+!~1, ff = 0x1e + .5e-3 + 1_0;
u ||= 1; u &&= 1; u ??= 1; u = 1; u >>>= 1; u **= 2; ff = (1, 2); a.b++; --a.b
var { gg = 1, ...hh } = a, [ii, , ...jj] = [], \u0061b = 1, kk = 1
++kk
HERE;
