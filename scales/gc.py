"""Delete what DVC's cache holds and no recorded result needs.

`dvc gc -w` sees the chosen scale alone, and deletes what the others have made. This keeps what
dvc.lock and scales/locks.json name. As there, results of earlier parameters and code go; what the
run-cache says of them stays, and such a job would be run again.

    python -m scales.gc [--dry]
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.gc import gc
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree

from distalign.records.schemas import InputError
from scales.locks import read_lock, read_others
from stages.cli import run


def outputs(entries: Iterable[Mapping[str, Any]]) -> Iterator[HashInfo]:
    """Hashes of what jobs made, also of metrics, which git keeps: the run-cache restores them."""
    for entry in entries:
        for out in entry.get("outs", []):
            yield HashInfo("md5", out["md5"])


def used(cache: HashFileDB, entries: Iterable[Mapping[str, Any]]) -> set[HashInfo]:
    """Hashes of the jobs' outputs, with those of the files in folders that are in the cache."""
    found = set(outputs(entries))
    for folder in [one for one in found if one.value and one.isdir and cache.exists(one.value)]:
        found |= {hash_info for *_, hash_info in Tree.load(cache, folder)}
    return found


def collect(root: Path, dry: bool) -> int:
    """Delete from the cache of the repository; return the number of its files that no lock names.

    Raises:
        InputError: no lock names a result, so that all would go.
    """
    entries = [*read_lock(root).values(), *read_others(root).values()]
    with Repo(str(root)) as repo, repo.lock:
        keep = used(repo.cache.local, entries)
        if not keep:
            raise InputError("dvc.lock names no result: all would be deleted; run make repro first")
        return gc(repo.cache.local, keep, dry=dry)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dry", action="store_true", help="count, and delete nothing")
    args = parser.parse_args()
    count = collect(Path(), args.dry)
    print(f"{count} files of the cache {'would be' if args.dry else 'were'} deleted")


if __name__ == "__main__":
    run(main)
