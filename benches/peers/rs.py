"""One bomb in quickjs-rs: prints how long it took, how it ended, and whether the same machine takes another script."""
import json
import sys
import time

import quickjs_rs

source = open(sys.argv[1], encoding="utf-8").read()
context = quickjs_rs.Runtime(memory_limit=32 << 20).new_context(timeout=int(sys.argv[2]) / 1000)
begun = time.perf_counter()
ended = "ok"
try:
    context.eval(source)
except BaseException as error:
    ended = f"{type(error).__name__}: {error}"[:200]
took = (time.perf_counter() - begun) * 1000
try:
    usable = context.eval("1 + 2") == 3
except BaseException:
    usable = False
print(json.dumps({"ms": took, "ended": ended, "usable": usable}))
