// Proxies, revoked ones, and Reflect; traps that were there before are there after.
const tick = v => host.rpc('tick', v);
const log = [], target = { a: 1 };
const proxy = new Proxy(target, {
  get(t, k, r) { if (typeof k === 'string') log.push('get ' + k); return k === 'lazy' ? tick('lazy value') : Reflect.get(t, k, r) },
  has: (t, k) => k === 'phantom' || k in t,
  ownKeys: t => [...Reflect.ownKeys(t), 'extra'],
  getOwnPropertyDescriptor: (t, k) => k === 'extra' ? { value: 9, enumerable: true, configurable: true } : Reflect.getOwnPropertyDescriptor(t, k),
  set(t, k, v) { log.push('set ' + k); t[k] = v * 2; return true },
  deleteProperty: () => false,
});
const { proxy: gone, revoke } = Proxy.revocable(() => 7, {});
await tick('made');
proxy.b = 4; log.push(await proxy.lazy, 'phantom' in proxy, Object.keys(proxy).join());
log.push(gone());
revoke();
await tick('revoked');
try { gone() } catch (e) { log.push(e.name) }
log.push(Reflect.deleteProperty(proxy, 'a'), target.a, { ...proxy }.b, Array.isArray(new Proxy([], {})));
await tick('done');
log;
