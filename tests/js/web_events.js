// Events and signals.
const target = new EventTarget();
const log = [];
target.addEventListener("a", event => log.push(`${event.type} ${event.target === target} ${event.eventPhase}`), { once: true });
target.addEventListener("a", { handleEvent(event) { event.preventDefault(); log.push(this !== target) } });
console.log(target.dispatchEvent(new CustomEvent("a", { cancelable: true, detail: 1 })), target.dispatchEvent(new Event("a")), log.join());
const controller = new AbortController();
const any = AbortSignal.any([controller.signal, AbortSignal.abort === undefined ? null : new AbortController().signal]);
any.onabort = event => console.log(event.type, event.isTrusted, any.reason.name, any.reason.message);
controller.abort();
controller.abort("again");
try { any.throwIfAborted() } catch (error) { console.log(error instanceof DOMException, error instanceof Error, error.code, DOMException.ABORT_ERR) }
try { new AbortSignal() } catch (error) { console.log(String(error)) }
console.log(AbortSignal.abort("why").reason, Object.keys(new Event("a")).join(), performance instanceof EventTarget);
