// The bridge as a script sees it: calls, parallel calls, errors, order, events.
const order = [];
const both = Promise.all([host.rpc("later", "a").then((v) => order.push(v)), host.rpc("echo", "b").then((v) => order.push(v))]);
order.push(host.rpcSync("echo", "sync"), host.rpcSync("later", "sync later"));
await both;
const failed = await host.rpc("missing").catch((e) => ({ code: e.code, name: e.name }));
host.on("e", () => 1);
const returned = host.on("f", () => 1);
({ order: [order.slice(0, 2), order.slice(2).sort()], failed, returned, data: await host.rpc("echo", { d: new Date(0), u: undefined, n: [null, NaN] }), types: [typeof host.rpc, host.rpc.name, host.rpc.length, Object.keys(host)] });
