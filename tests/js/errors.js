// Kinds of errors, causes, aggregates, custom classes, rethrowing, stacks, `finally` order.
class AppError extends Error { constructor(message, options) { super(message, options); this.name = "AppError"; } }
const log = [];
try {
  try { null.x; } catch (cause) { throw new AppError("wrapped", { cause }); } finally { log.push("finally"); }
} catch (e) {
  log.push(e.name, e.message, e.cause.name, e instanceof AppError, e instanceof Error, "cause" in new Error("x"), String(e));
  log.push(e.stack.includes("errors.js:5"));
}
const aggregate = new AggregateError([new Error("a"), 2], "many");
log.push(aggregate.errors.length, aggregate.message, Object.keys(aggregate));
for (const bad of ["x = ", "let a; let a", "break", "({a:1} = 1) => 1", "'use strict'; with (a) {}", "class A { constructor() {} constructor() {} }", "await => {}; yield* 1 +"]) {
  try { new Function(bad); log.push("parsed"); } catch (e) { log.push(e.name); }
}
for (const f of [() => missing, () => 1(), () => [].length = -1, () => "x".repeat(-1), () => decodeURI("%"), () => Object.defineProperty(1, "a", {}), () => { "use strict"; undeclared = 1; }]) {
  try { f(); } catch (e) { log.push(e.constructor.name); }
}
log;
