"""Which process of pytest-xdist this is, and its cores.

The processes divide the cores between them: an engine that spins on the core of another's waits
for it. Imported before torch, which counts the cores that it may take.
"""

import os

WORKER = os.environ.get("PYTEST_XDIST_WORKER")
"""gw0, gw1, …; none where pytest runs in one process."""
CORES = sorted(os.sched_getaffinity(0))
"""Of all processes."""
if WORKER:
    n_workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    place = int(WORKER.removeprefix("gw")) % min(len(CORES), n_workers)
    os.sched_setaffinity(0, CORES[place::n_workers])
