// Attacks: everything, by freezing all that can be reached from `globalThis`.
// Expect: ok
const seen = new Set([globalThis]);
for (const object of seen) {
    for (const key of Reflect.ownKeys(object)) {
        let own;
        try { own = Object.getOwnPropertyDescriptor(object, key); } catch { continue; }
        for (const value of [own?.value, own?.get, own?.set, Object.getPrototypeOf(object)])
            if (Object(value) === value) seen.add(value);
    }
    try { Object.freeze(object); } catch {}
}
seen.size > 100;
