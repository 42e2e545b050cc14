"""Run the pipeline with several jobs at once, each on cores of its own.

    python -m scales.run [--jobs 2]

The models are small, so two jobs side by side, a core each, are sooner done than one after another
on two cores. A job that has nothing beside it gets all cores. Each is a process of DVC for one
stage, begun as soon as what it reads is made. When a job fails, the others go on to their end, and
nothing new begins. What a job prints is in .dvc/tmp/jobs; its last lines are shown when it fails.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from pathlib import Path

from dvc.repo import Repo
from tqdm import tqdm

from distalign.machine.cores import available_cores, available_memory
from distalign.machine.precision import has_gpu
from distalign.records.schemas import InputError
from stages.cli import run

LOGS = Path(".dvc/tmp/jobs")
MEMORY_A_JOB = 5 * 2**30
"""Bytes: of the largest job of SmolLM2-135M in float32, with the server of the LLM that writes."""
MOST_JOBS = 4
SHOWN_LINES = 15


def jobs_at_once(cores: int, memory: int, gpu: bool) -> int:
    """How many jobs a machine runs side by side; on a GPU one, which takes its memory."""
    return 1 if gpu else max(1, min(cores, memory // MEMORY_A_JOB, MOST_JOBS))


def cores_of(places: int) -> list[list[int]]:
    """The cores of each place, as many for one as for another."""
    cores = sorted(os.sched_getaffinity(0))[: available_cores()]
    return [cores[place::places] for place in range(places)]


def read_graph() -> tuple[dict[str, set[str]], set[str]]:
    """Jobs whose results each job reads, and jobs whose inputs or results are not as recorded."""
    with Repo() as repo:
        graph = repo.index.graph
        waits = {
            stage.addressing: {before.addressing for before in graph.successors(stage)}
            for stage in graph
        }
        with repo.lock:
            changed = {stage.addressing for stage in graph if stage.changed()}
    return waits, changed


def to_run(waits: Mapping[str, Iterable[str]], changed: Iterable[str]) -> dict[str, set[str]]:
    """What has changed and all that comes after it, with those of them that each waits for.

    The stage `check` has no output that others could read: all wait for it.
    """
    found = set(changed)
    for name in TopologicalSorter(waits).static_order():
        if found.intersection(waits[name]):
            found.add(name)
    return {
        name: found.intersection({*waits[name], "check"}) - {name}
        for name in waits
        if name in found
    }


def by_followers(waits: Mapping[str, Iterable[str]]) -> Callable[[str], int]:
    """Key by which jobs with the most that comes after them are sorted first.

    Long chains begin early then, and short ends fill what is left over.
    """
    after: dict[str, set[str]] = {name: set() for name in waits}
    for name in reversed(list(TopologicalSorter(waits).static_order())):
        for before in waits[name]:
            after[before] |= {name, *after[name]}
    return lambda name: -len(after[name])


class Queue:
    """Jobs whose turn has come, those with the most after them first, and places for them.

    Args:
        waits: jobs that each job waits for.
        places: for jobs side by side.
    """

    def __init__(self, waits: Mapping[str, Iterable[str]], places: int) -> None:
        self._order, self._key = TopologicalSorter(waits), by_followers(waits)
        self._order.prepare()
        self._ready, self._free = list[str](), list(range(places))
        self._n_running = 0
        self._add_ready()

    def _add_ready(self) -> None:
        self._ready = sorted([*self._ready, *self._order.get_ready()], key=self._key)

    def begin(self) -> tuple[str, list[int]] | None:
        """The next job with its places: one, or all where nothing else can run beside it.

        None where no job or no place is left for now.
        """
        if not (self._ready and self._free):
            return None
        name = self._ready.pop(0)
        taken = self._free[:1] if self._ready or self._n_running else self._free[:]
        del self._free[: len(taken)]
        self._n_running += 1
        return name, taken

    def end(self, name: str, taken: list[int], succeeded: bool = True) -> None:
        """Give a job's places back; what waits for one that failed never gets its turn."""
        self._n_running -= 1
        self._free += taken
        if succeeded:
            self._order.done(name)
            self._add_ready()


def run_all(
    waits: Mapping[str, Iterable[str]], places: int, work: Callable[[str, list[int]], bool]
) -> list[str]:
    """Call work(job, places) for each job when its turn has come; those that failed.

    Args:
        work: returns whether the job succeeded. After one that did not, nothing new begins.
    """
    queue, failed = Queue(waits, places), list[str]()
    running: dict[Future[bool], tuple[str, list[int]]] = {}
    with ThreadPoolExecutor(places) as pool:
        while True:
            while not failed and (job := queue.begin()):
                running[pool.submit(work, *job)] = job
            if not running:
                return failed
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name, taken = running.pop(future)
                queue.end(name, taken, future.result())
                failed += [] if future.result() else [name]


def minutes_side_by_side(
    waits: Mapping[str, Iterable[str]],
    places: int,
    beside: Mapping[str, float],
    alone: Mapping[str, float],
) -> float:
    """Minutes that `run_all` takes.

    Args:
        beside, alone: job -> its seconds in one place, and in all of them.
    """
    queue, now = Queue(waits, places), 0.0
    running: list[tuple[float, str, list[int]]] = []
    while True:
        while job := queue.begin():
            name, taken = job
            seconds = (alone if len(taken) == places else beside)[name]
            heappush(running, (now + seconds, name, taken))
        if not running:
            return now / 60
        now, name, taken = heappop(running)
        queue.end(name, taken)


def run_job(name: str, cores: list[int], log: Path) -> bool:
    """One stage by DVC, on some cores; what it prints goes into a file."""
    command = ["dvc", "--wait-for-lock", "repro", "--single-item", name]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        done = subprocess.run(
            ["taskset", "--cpu-list", ",".join(map(str, cores)), *command],
            env=os.environ | {"OMP_NUM_THREADS": str(len(cores))},
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    return done.returncode == 0


def last_lines(log: Path) -> str:
    """The end of what a job printed, without the steps of its progress bars."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return "\n".join([line.split("\r")[-1] for line in lines if line.strip()][-SHOWN_LINES:])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--jobs", type=int, help="at once; without it, as this machine has room for"
    )
    args = parser.parse_args()
    places = args.jobs
    if places is None:
        places = jobs_at_once(available_cores(), available_memory(), has_gpu())
    if not 1 <= places <= available_cores():
        raise InputError(f"--jobs {places}: from 1 to the {available_cores()} cores that there are")
    cores = cores_of(places)
    todo = to_run(*read_graph())
    with tqdm(total=len(todo), unit="job", disable=not todo) as bar:
        running: dict[str, float] = {}

        def work(name: str, taken: list[int]) -> bool:
            log = LOGS / f"{name.replace('@', '-')}.log"
            start = running[name] = time.monotonic()
            bar.set_postfix_str(", ".join(running))
            own = sorted(core for place in taken for core in cores[place])
            succeeded = run_job(name, own, log)
            del running[name]
            state = f"{time.monotonic() - start:.0f} s" if succeeded else f"failed; {log} ends with"
            bar.write(f"{name}: {state}", file=sys.stderr)
            if not succeeded:
                bar.write(last_lines(log), file=sys.stderr)
            bar.update(succeeded)
            return succeeded

        failed = run_all(todo, places, work)
    if failed:
        raise InputError(f"failed: {', '.join(failed)}; `make repro` goes on where it was cut off")


if __name__ == "__main__":
    run(main)
