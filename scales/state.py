"""Which jobs of a scale DVC has the results of: what `dvc repro` would restore, and not run."""

import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import Literal

from dvc.repo import Repo
from dvc.stage.cache import RunCacheNotFoundError

State = Literal["cached", "pull", "run"]
"""Here, in the cache; recorded in dvc.lock alone, and a remote may have it; or to do."""
Waits = dict[str, set[str]]
"""Job -> jobs whose results it reads."""


def copy_sources(root: Path, folder: Path) -> None:
    """The working tree without what git ignores, which is all data that stages make."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)


def read_states(folder: Path, cache: Path, remote: bool) -> tuple[dict[str, State], Waits]:
    """State of each job of the pipeline in a folder of sources alone, and what it waits for.

    The folder is filled with links to the cached results, as each is a dependency of the next.

    Args:
        cache: DVC's, which is read and not changed.
        remote: whether there is one to pull from.
    """
    import networkx

    core = {"no_scm": True, "site_cache_dir": str(folder / ".dvc/site")}
    links = {"dir": str(cache), "type": ["symlink", "copy"]}
    states: dict[str, State] = {}
    waits: Waits = {}
    # DVC takes the names of an entry of the run-cache as of the current folder.
    with contextlib.chdir(folder), Repo(config={"core": core, "cache": links}) as repo, repo.lock:
        graph = repo.index.graph
        for stage in networkx.dfs_postorder_nodes(graph):
            before = list(graph.successors(stage))
            waits[stage.name] = {other.name for other in before}
            if any(states[other.name] == "run" for other in before):
                states[stage.name] = "run"
            elif not stage.changed(allow_missing=True, upstream=before):
                elsewhere: State = "pull" if remote else "run"
                states[stage.name] = "cached" if stage.outs_cached() else elsewhere
                if states[stage.name] == "cached":
                    stage.checkout(force=True)
            elif any(states[other.name] == "pull" for other in before):
                states[stage.name] = "run"  # what it reads is not here to look it up by
            else:
                try:
                    repo.stage_cache.restore(stage)
                    states[stage.name] = "cached"
                except RunCacheNotFoundError:
                    states[stage.name] = "run"
    return states, waits


def cache_of(root: Path) -> tuple[Path, bool]:
    """The folder of DVC's cache, and whether a default remote is set."""
    with Repo(str(root)) as repo:
        return Path(repo.cache.legacy.path), bool(repo.config["core"].get("remote"))
