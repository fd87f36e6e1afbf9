function* a()                                   { const b         = yield 1       ; yield* [2]            ; yield; const c = (yield)       ; yield      3; yield (d        )         => d }
async function e()                { await (1       ); await      2; for await (const f of []       ) { } const g = await Promise.all     ([])         ; (await 1)  }
if ([...a()].length !== 6) throw "wrong";
const last         = HERE;
