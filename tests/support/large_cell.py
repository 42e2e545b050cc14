"""Run stages in turn and print each one's CPU seconds and the process's peak memory; run by
test_large, as the peak of a process never falls."""

import gc
import json
import re
import sys
import time
from importlib import import_module
from pathlib import Path


def main() -> None:
    """The commands, {"stage": flags}, are read from standard input."""
    commands: dict[str, list[str]] = json.load(sys.stdin)
    # Full passes of the garbage collector begin at a number of objects: they would pass for
    # growth between one size and the next.
    gc.disable()
    seconds = {}
    for name, flags in commands.items():
        stage = import_module(f"stages.{name}")
        sys.argv = [name, *flags]
        start = time.process_time()
        stage.main()
        seconds[name] = time.process_time() - start
    # Not ru_maxrss, in which the memory of the process that has started this one counts.
    kib = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))[1]
    print(json.dumps({"seconds": seconds, "peak": int(kib) * 1024}))


if __name__ == "__main__":
    main()
