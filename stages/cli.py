"""What every stage's command line shares: flags, its block of params.yaml, clean errors."""

import argparse
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from distalign.machine.precision import Precision, PrecisionParams, native_bfloat16
from distalign.records.checked_yaml import near, read_yaml, validate
from distalign.records.schemas import InputError

P = TypeVar("P", bound=BaseModel)
PARAMS = Path("params.yaml")
SCALE = Path("scale.yaml")
INTERRUPTED = 130
"""Exit status of what Ctrl-C ended, as shells have it."""
NAMES = ("model", "training", "setting", "dataset", "trained", "tested", "method", "form")


def parse(doc: str | None, **flags: str) -> argparse.Namespace:
    """Parse `--name VALUE` for each flag; the keyword's value is its help text."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, text in flags.items():
        kind = int if name == "seed" else str if name in NAMES else Path
        parser.add_argument(f"--{name.replace('_', '-')}", required=True, type=kind, help=text)
    return parser.parse_args()


def block(params: type[P], *path: str, over: P | None = None, file: Path = PARAMS) -> P:
    """Read and check the block of params.yaml at `path`; its keys replace those of `over`.

    Raises:
        InputError: naming the key, what is wrong with it, and near names for unknown ones.
    """
    value = read_yaml(file)
    for depth, key in enumerate(path):
        where = ".".join(path[: depth + 1])
        if not isinstance(value, dict) or key not in value:
            known = list(value) if isinstance(value, dict) else []
            raise InputError(f"{file}: {where} is missing; {near(key, known)}")
        value = value[key]
    if over is not None and isinstance(value, dict):
        value = over.model_dump() | value
    return validate(params, value, file, path)


def precision() -> Precision:
    """The one that params.yaml asks for, on this processor. Raises InputError, see `block`."""
    return block(PrecisionParams, "precision").resolve(native_bfloat16())


def disk_fault(error: Exception) -> str | None:
    """What the disk refused, if the error comes from there; libraries wrap it in their own."""
    if isinstance(error, ExceptionGroup):  # of requests that are in flight at once
        return next(filter(None, map(disk_fault, error.exceptions)), None)
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
        if getattr(error, "errno", None) == code or os.strerror(code) in str(error):
            return os.strerror(code)
    # All that torch.save says of a full disk.
    return "a checkpoint was cut short" if "inline_container" in str(error) else None


def run(main: Callable[[], None]) -> None:
    """Run a stage; a person's mistake or a full disk ends in one message, not a traceback."""
    # torch asks for large pages then: a step takes tens of megabytes from the system, and gives
    # them back.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where it was cut off", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        fault = disk_fault(error)
        if fault is None:
            raise
        name = getattr(error, "filename", None) or "the disk"
        sys.exit(
            f"error: {name}: {fault}; make room or allow writing, then run the same command "
            "again: what is finished is kept"
        )
