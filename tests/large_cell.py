"""Run stages in turn and print each one's CPU seconds and the process's peak memory; run by
test_large, as the peak of a process never falls."""

import gc
import json
import resource
import sys
import time
from importlib import import_module


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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
    print(json.dumps({"seconds": seconds, "peak": peak * 1024}))


if __name__ == "__main__":
    main()
