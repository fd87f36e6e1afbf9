"""Sets every bomb that needs no host off in each sandbox, one process for each, and prints what became of them."""
import json
import os
import pathlib
import subprocess
import sys
import time

LIMIT_MS = 200
# A script that is still running after this is one that was not stopped.
PATIENCE_S = 4
PEERS = pathlib.Path(os.environ["PEERS"])
SANDBOXES = ["belljar", "quickjs-wasi", "quickjs-rs"]
VERDICTS = ["in time", "late", "not stopped", "process died"]


def in_belljar(path):
    lines = [{"eval": path.read_text()}, {"reset": True}, {"eval": "1 + 2"}]
    # The others look at the time that goes by, so belljar gets that limit here, beside the one on processor time.
    limits = ["--max-cpu-ms", str(LIMIT_MS), "--max-wall-ms", str(LIMIT_MS), "--max-heap-mb", "32"]
    command = [os.environ["BELLJAR"], "json", *limits]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        # The first line pays for the start of the process.
        print(json.dumps({"eval": "1"}), file=process.stdin, flush=True)
        process.stdout.readline()
        begun = time.perf_counter()
        print(json.dumps(lines[0]), file=process.stdin, flush=True)
        answer = json.loads(process.stdout.readline())
        took = (time.perf_counter() - begun) * 1000
        for line in lines[1:]:
            print(json.dumps(line), file=process.stdin, flush=True)
            last = json.loads(process.stdout.readline())
        return {"ms": took, "ended": answer.get("error", {}).get("errorCode", "ok"), "usable": last.get("result") == 3}
    finally:
        process.kill()
        process.wait()


def in_process(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, cwd=PEERS)
    return json.loads(done.stdout.splitlines()[-1])


def set_off(sandbox, path):
    runs = {
        "belljar": lambda: in_belljar(path),
        "quickjs-wasi": lambda: in_process(["node", "wasi.mjs", str(path), str(LIMIT_MS)]),
        "quickjs-rs": lambda: in_process([str(PEERS / "python/bin/python"), str(pathlib.Path(__file__).with_name("rs.py")), str(path), str(LIMIT_MS)]),
    }
    try:
        run = runs[sandbox]()
    except subprocess.TimeoutExpired:
        return "not stopped", {}
    except (IndexError, ValueError):
        return "process died", {}
    return ("in time" if run["ms"] <= 2 * LIMIT_MS else "late"), run


def bar(done, total):
    if sys.stderr.isatty():
        filled = 40 * done // total
        print(f"\r[{'#' * filled}{'.' * (40 - filled)}] {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def main():
    bombs = sorted(pathlib.Path("tests/bombs").resolve().glob("*.js"))
    bombs = [path for path in bombs if "host" not in path.read_text().split("\n", 3)[-1] and "host." not in path.read_text()]
    counts = {name: {verdict: 0 for verdict in VERDICTS} for name in SANDBOXES}
    usable = {name: 0 for name in SANDBOXES}
    slow = []
    for number, path in enumerate(bombs):
        for name in SANDBOXES:
            verdict, run = set_off(name, path)
            counts[name][verdict] += 1
            usable[name] += bool(run.get("usable"))
            if verdict != "in time":
                slow.append((path.stem, name, verdict, run))
        bar(number + 1, len(bombs))
    if "--json" in sys.argv:
        print(json.dumps({"bombs": len(bombs), "counts": counts, "usable": usable, "others": slow}, indent=2))
        return
    print(f"{len(bombs)} bombs, a limit of {LIMIT_MS} ms; in time is within twice that, not stopped is over {PATIENCE_S} s\n")
    print("| sandbox | " + " | ".join(VERDICTS) + " | usable afterwards |")
    print("|---|" + "---|" * (len(VERDICTS) + 1))
    for name in SANDBOXES:
        print(f"| {name} | " + " | ".join(str(counts[name][verdict]) for verdict in VERDICTS) + f" | {usable[name]} |")
    print()
    for bomb, name, verdict, run in slow:
        print(f"{bomb}: {name} {verdict}" + (f", {run['ms']:.0f} ms, {run['ended'][:60]}" if run else ""))


main()
