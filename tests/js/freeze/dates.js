// Dates keep their moment; the clock that was set is the clock that is read.
const tick = v => host.rpc('tick', v);
const start = new Date(), leap = new Date(Date.UTC(2024, 1, 29, 12)), broken = new Date(NaN);
await tick('one');
const later = new Date();
leap.setFullYear(2025);
await tick('two');
[start.toISOString(), later - start, Date.now() - later, leap.toISOString(), String(broken), performance.now() >= 0,
  new Date(2020, 0).getTimezoneOffset(), JSON.stringify({ start })];
