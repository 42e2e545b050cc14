"""Seconds and peak memory of every stage at growing numbers of contexts.

The real stages, in a temporary copy of the sources each, on UK real with zero_shot and ours. More
contexts than the census has are made of its own by a word before them, with the same counts. The
rows of training grow with them: those of params.yaml are for all contexts of the census. Memory is
the peak of the largest process of a stage; the engine of a served LLM, whose parent does not wait
for it, is not among them.

    python -m benchmarks.growth --contexts 7 14 28
"""

import argparse
import csv
import io
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice, product
from pathlib import Path

import networkx
import yaml
from dvc.repo import Repo
from tqdm import tqdm

from distalign.records.files import write_text
from scales.state import copy_sources

CENSUS = "data/census/uk.csv"
WORDS = ("", "Senior", "Trainee", "Retired")
MIB = 1024  # ru_maxrss counts KiB


def take_contexts(text: str, n: int) -> tuple[str, float]:
    """The first n rows of a CSV file of contexts and of copies of them under other names.

    Args:
        n: at most the rows times the number of `WORDS`.

    Returns:
        The CSV file, and n as a multiple of the file's rows.
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    for word, row in islice(product(WORDS, rows), n):
        name = f"{word} {row['occupation'][0].lower()}{row['occupation'][1:]}"
        writer.writerow(row | ({"occupation": name} if word else {}))
    return out.getvalue(), n / len(rows)


def grow(folder: Path, n: int) -> None:
    """Set up the experiment in a copy of the sources."""
    census, params_file, scale_file = (
        folder / name for name in (CENSUS, "params.yaml", "scale.yaml")
    )
    contexts, times = take_contexts(census.read_text(encoding="utf-8"), n)
    write_text(census, contexts)
    params = yaml.safe_load(params_file.read_text(encoding="utf-8"))
    for block in (params["warmup"], params["train"]["ours"]):
        block["rows"] = round(block["rows"] * times)
    scale = yaml.safe_load(scale_file.read_text(encoding="utf-8"))
    scale |= {"datasets": ["uk_real"], "methods": ["zero_shot", "ours"], "seeds": [0]}
    scale |= {"decoding_methods": ["ours"], "transfer_methods": []}
    write_text(params_file, yaml.safe_dump(params, sort_keys=False))
    write_text(scale_file, yaml.safe_dump(scale, sort_keys=False))


def commands(folder: Path) -> list[tuple[str, str]]:
    """(job, command) of the whole pipeline in an order that its dependencies allow."""
    with Repo(str(folder), config={"core": {"no_scm": True}}) as repo:
        order = networkx.dfs_postorder_nodes(repo.index.graph)
        return [(stage.name, stage.cmd) for stage in order]


def measure(command: str, folder: Path) -> tuple[float, float]:
    """Seconds, and MiB at the peak. Raises CalledProcessError with what the command said."""
    start = time.perf_counter()
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise subprocess.CalledProcessError(process.returncode, words, said.read()[-2000:])
    return time.perf_counter() - start, usage.ru_maxrss / MIB


def table(measured: dict[str, dict[int, tuple[float, float]]], sizes: Sequence[int]) -> str:
    """Markdown; a row a job, seconds and MiB at each number of contexts."""
    heads = [f"{n} contexts: {unit}" for n in sizes for unit in ("s", "MiB")]
    lines = [f"| job | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for job, found in measured.items():
        cells = [f"{found[n][0]:.1f} | {found[n][1]:.0f}" for n in sizes]
        lines.append(f"| {job} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--contexts", type=int, nargs="+", default=[7, 14, 28], choices=range(1, 101), metavar="N"
    )
    args = parser.parse_args()
    measured: dict[str, dict[int, tuple[float, float]]] = {}
    for n in args.contexts:
        with tempfile.TemporaryDirectory(prefix="growth-") as name:
            folder = Path(name).resolve()
            copy_sources(Path(), folder)
            grow(folder, n)
            for job, command in tqdm(commands(folder), desc=f"{n} contexts", unit="job"):
                measured.setdefault(job, {})[n] = measure(command, folder)
    print(table(measured, args.contexts))


if __name__ == "__main__":
    main()
