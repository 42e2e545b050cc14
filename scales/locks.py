"""The results that are recorded for scales which are not chosen.

DVC reads dvc.lock at each command, and reads and writes it anew after each job, which takes longer
the more jobs it names. So it names those of the chosen scale. What it recorded of the other jobs is
in scales/locks.json, an entry a line. Jobs of scales with other parameters have the name of these
before their own.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from dvc.utils.serialize import YAMLFileCorruptedError, dumps_yaml, parse_yaml

from distalign.records.files import write_text
from distalign.records.schemas import InputError

LOCK = Path("dvc.lock")
OTHERS = Path("scales/locks.json")
Entries = dict[str, Any]
"""Name of a job -> what DVC recorded of it."""


class Job(NamedTuple):
    """A job; its name is DVC's."""

    stage: str
    item: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As dvc.lock and `dvc repro -s` have it."""
        return "@".join(filter(None, [self.stage, "-".join(map(str, self.item.values()))]))


def jobs(pipeline: Mapping[str, Any], scale: Mapping[str, Any]) -> Iterator[Job]:
    """The products of the lists that each stage's matrix names, in the order of dvc.yaml.

    Raises:
        InputError: the scale lacks a list.
    """

    def values(entry: str | list[str]) -> Any:
        if isinstance(entry, str):
            key = entry.removeprefix("${").removesuffix("}")
            if key not in scale:
                raise InputError(f"scale.yaml: {key} is missing, which dvc.yaml takes jobs from")
            return scale[key]
        return [values(one) for one in entry]

    for stage, body in pipeline["stages"].items():
        lists = {key: values(entry) for key, entry in body.get("matrix", {}).items()}
        for chosen in product(*lists.values()):
            yield Job(stage, dict(zip(lists, chosen, strict=True)))


def read_lock(root: Path) -> Entries:
    """Entries of dvc.lock. Raises InputError where it is not YAML."""
    file = root / LOCK
    if not file.is_file():
        return {}
    try:
        return parse_yaml(file.read_text(encoding="utf-8"), str(file)).get("stages") or {}
    except YAMLFileCorruptedError as error:
        raise InputError(
            f"{file}: not YAML ({error.__cause__}); take git's: git checkout {LOCK}"
        ) from error


def read_others(root: Path) -> Entries:
    """Entries of the scales that are not chosen. Raises InputError where the file is not JSON."""
    file = root / OTHERS
    if not file.is_file():
        return {}
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{file}:{error.lineno}: not JSON ({error.msg}); mend the line, or take git's: "
            f"git checkout {OTHERS}"
        ) from error


def write_others(root: Path, entries: Entries) -> None:
    """Write an entry a line, by name, so that git shows and merges jobs."""
    rows = [f"\n{json.dumps(name)}: {json.dumps(entries[name])}" for name in sorted(entries)]
    write_text(root / OTHERS, "{" + ",".join(rows) + "\n}\n")


def regroup(entries: Entries, names: Iterable[str], left: str, entered: str) -> Entries:
    """Entries when other parameters are chosen: those of the chosen ones alone have bare names.

    A chosen job that has not run with them has the entry of the parameters before, or of others:
    what it reads may be the same, which DVC sees. So what is the same elsewhere is not kept twice.
    """
    bare = {name: entry for name, entry in entries.items() if "/" not in name}
    aside = {name: entry for name, entry in entries.items() if "/" in name}
    alike: Entries = {}
    for name in sorted(aside, key=lambda name: (not name.startswith("default/"), name)):
        alike.setdefault(name.partition("/")[2], aside[name])
    own = {
        name.partition("/")[2]: aside.pop(name)
        for name in list(aside)
        if name.startswith(f"{entered}/")
    }
    aside |= {f"{left}/{name}": entry for name, entry in bare.items() if entry != alike.get(name)}
    known = alike | bare
    return aside | {name: known[name] for name in names if name in known} | own


class Recorded(NamedTuple):
    """What DVC recorded: of the chosen scale's jobs, and of the others."""

    here: Entries
    there: Entries


def read_recorded(root: Path) -> Recorded:
    """Both files. Raises InputError, see the functions above."""
    return Recorded(read_lock(root), read_others(root))


def divide(root: Path, recorded: Recorded, names: Sequence[str], left: str, entered: str) -> None:
    """Leave in dvc.lock the chosen jobs alone, with those of them that were recorded before.

    A job that both files name keeps what dvc.lock says: it was run last.

    Args:
        names: of the jobs that are chosen now.
        left, entered: names of the parameters, those before and those that are chosen now.
    """
    here, there = recorded
    every = there | here
    if left != entered:
        every = regroup(every, names, left, entered)
    chosen = {name: every[name] for name in names if name in every}
    others = {name: entry for name, entry in every.items() if name not in chosen}
    if chosen.keys() == here.keys() and others.keys() == there.keys():
        return
    # Cut off between two writes, all entries are in one file at least.
    write_others(root, every)
    write_text(root / LOCK, dumps_yaml({"schema": "2.0", "stages": chosen}))
    write_others(root, others)
