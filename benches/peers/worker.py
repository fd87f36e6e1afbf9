"""The sandboxes of PyPI: takes jobs as lines of JSON, and answers each with the microseconds that it took.

`worker.py SANDBOX` takes jobs; `worker.py SANDBOX once` evaluates `1+2`, prints it and ends. Each sandbox is used as its README says, with the
limits on memory and time that it documents. Values cross as JSON text, as for the others: both packages can convert objects themselves, and both take
longer for it.
"""
import gc
import importlib.metadata
import json
import platform
import re
import sys
import time

MEMORY_BYTES = 32 << 20
TIME_S = 5
HANDLER = "p => ({ ok: p.a, l: p.c })"
PAYLOAD = {"a": 1, "b": "two", "c": [1, 2, 3]}


RPC = "globalThis.host = { rpcSync: (m, p) => JSON.parse(call(m, JSON.stringify(p))) }; 0"


def same(method, text):
    return json.dumps(json.loads(text))


def through_text(script):
    return f"text => JSON.stringify(({script})(JSON.parse(text)))"


class QuickJsRs:
    def __init__(self):
        import quickjs_rs

        self.runtime = quickjs_rs.Runtime(memory_limit=MEMORY_BYTES)
        self.context = self.runtime.new_context(timeout=TIME_S)
        self.eval = self.context.eval

    def host(self):
        self.context.register("call", same)
        self.eval(RPC)

    def handler(self, script):
        handle = self.context.eval_handle(through_text(script))

        def dispatch(payload):
            with handle.call(json.dumps(payload)) as result:
                return json.loads(result.to_python())

        return dispatch

    def close(self):
        self.runtime.close()


class JsRun:
    """Without its limit on time, which makes every eval wait for a watchdog, by up to 10 ms."""

    def __init__(self):
        import jsrun

        self.runtime = jsrun.Runtime(jsrun.RuntimeConfig(max_heap_size=MEMORY_BYTES))
        self.eval = self.runtime.eval

    def host(self):
        self.runtime.bind_function("call", same)
        self.eval(RPC)

    def handler(self, script):
        handle = self.eval(f"({through_text(script)})")
        return lambda payload: json.loads(handle(json.dumps(payload)))

    def close(self):
        self.runtime.close()


SANDBOXES = {"quickjs-rs": QuickJsRs, "jsrun": JsRun}
NAME = sys.argv[1]
FRESH = SANDBOXES[NAME]
KEPT = []
WARM = {}


def timed(runs, run):
    begun = time.perf_counter()
    for _ in range(runs):
        run()
    return (time.perf_counter() - begun) * 1e6


def cold():
    sandbox = FRESH()
    assert sandbox.eval("1+2") == 3
    sandbox.close()


def dispatched():
    assert WARM["dispatch"](PAYLOAD)["ok"] == 1


def kilobytes():
    with open("/proc/self/smaps_rollup", encoding="ascii") as sums:
        return int(re.search(r"^Pss:\s+(\d+) kB", sums.read(), re.M)[1])


def memory(runs):
    # One beforehand, which is kept too: what is made once for all of them does not count.
    for number in range(runs + 1):
        sandbox = FRESH()
        sandbox.eval("1+2")
        KEPT.append(sandbox)
        if number == 0:
            gc.collect()
            before = kilobytes()
    gc.collect()
    return kilobytes() - before


def do(job):
    kind, runs, script = job["job"], job["runs"], job.get("script")
    if kind == "memory":
        return memory(runs)
    if kind == "cold_start":
        return timed(runs, cold)
    if not WARM:
        sandbox = FRESH()
        sandbox.host()
        WARM.update(eval=sandbox.eval, dispatch=sandbox.handler(HANDLER))
    if kind == "eval":
        return timed(runs, lambda: WARM["eval"](script))
    if kind == "rpc":
        return timed(1, lambda: WARM["eval"](f"for (let i = 0; i < {runs}; i++) {script}"))
    return timed(runs, dispatched)


def main():
    if sys.argv[2:]:
        print(FRESH().eval("1+2"))
        return
    version = importlib.metadata.version(NAME)
    print(json.dumps({"version": f"{NAME} {version}, Python {platform.python_version()}"}), flush=True)
    for line in sys.stdin:
        try:
            print(json.dumps({"figure": do(json.loads(line))}), flush=True)
        except BaseException as error:
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


main()
