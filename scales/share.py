"""Push the results of jobs that the remote does not have, with their entries of the run-cache.

`dvc push --run-cache` pushes the entries, but of their results only those that DVC keeps: another
clone could not restore a stage that writes metrics, which git keeps, and would run it again.
Where the remote has a job's entry already, that one stays.
"""

import argparse

from dvc.repo import Repo


def share(repo: Repo) -> int:
    """The number of entries that were new to the default remote."""
    remote = repo.cloud.get_remote_odb(None, "push", hash_name="md5-dos2unix")
    made = repo.stage_cache.transfer(repo.cache.legacy, remote, force=False)
    for objects in repo.stage_cache.get_used_objs(made).values():
        repo.cloud.push(objects)
    return len(made)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with Repo() as repo:
        print(f"{share(repo)} results shared")


if __name__ == "__main__":
    main()
