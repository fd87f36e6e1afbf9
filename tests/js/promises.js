// Combinators, ordering of jobs, `finally`, thenables, `withResolvers`.
const order = [];
Promise.resolve().then(() => order.push("job 1")).then(() => order.push("job 3"));
queueMicrotask(() => order.push("job 2"));
order.push("sync");
await null;
await null;
const settled = await Promise.allSettled([1, Promise.reject("no"), host.rpc("later", 3)]);
const any = await Promise.any([Promise.reject(1), Promise.resolve(2)]);
const none = await Promise.any([Promise.reject(1)]).catch((e) => [e.name, e.errors]);
const race = await Promise.race([new Promise(() => {}), Promise.resolve("won")]);
const passed = await Promise.resolve(1).finally(() => 2);
const thenable = await { then(resolve) { resolve("thenable"); } };
const { promise, resolve } = Promise.withResolvers();
resolve("late");
({ order, settled, any, none, race, passed, thenable, late: await promise });
