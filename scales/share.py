"""Push the results of jobs that the remote does not have, with their entries of the run-cache.

`dvc push --run-cache` pushes the entries, but of their results only those that DVC keeps: another
clone could not restore a stage that writes metrics, which git keeps, and would run it again.
Where the remote has a job's entry already, that one stays.
"""

import argparse

from dvc.exceptions import UploadError
from dvc.repo import Repo
from dvc_data.hashfile.db import HashFileDB


def entries(cache: HashFileDB) -> list[tuple[str, str]]:
    """A job's key, and the name of its entry, of each in a cache or a remote."""
    runs = cache.fs.join(cache.path, "runs")
    paths = cache.fs.find(runs) if cache.fs.exists(runs) else []
    return [(cache.fs.name(cache.fs.parent(path)), cache.fs.name(path)) for path in paths]


def share(repo: Repo) -> int:
    """The number of entries that were new to the default remote.

    Raises:
        UploadError: a result could not be pushed.
    """
    remote = repo.cloud.get_remote_odb(None, "push", hash_name="md5-dos2unix")
    there = {key for key, _ in entries(remote)}
    new = [(key, name) for key, name in entries(repo.cache.legacy) if key not in there]
    # Results first: an entry says that its results are there, if this is cut off between the two.
    for objects in repo.stage_cache.get_used_objs(new).values():
        if failed := repo.cloud.push(objects).failed:
            raise UploadError(len(failed))
    return len(repo.stage_cache.transfer(repo.cache.legacy, remote, force=False))


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with Repo() as repo:
        print(f"{share(repo)} results shared")


if __name__ == "__main__":
    main()
