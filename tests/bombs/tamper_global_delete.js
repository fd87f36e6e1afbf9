// Attacks: everything, by deleting all that is on `globalThis`.
// Expect: ok
for (const key of Reflect.ownKeys(globalThis)) try { delete globalThis[key]; } catch {}
true;
