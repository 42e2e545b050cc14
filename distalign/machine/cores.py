"""How many cores, and how much memory, there are: in a container, less than the machine has."""

import os
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Cores that this process may use, at least 1.

    The least of: the machine's, those of its affinity (`taskset`), and what its container's CPU
    quota pays for, rounded up (cgroup v1 and v2). LOKY_MAX_CPU_COUNT sets another bound.
    """
    from joblib import cpu_count

    return cpu_count()


def threads_of(workers: int = 1) -> int:
    """Threads of each of some workers: as OMP_NUM_THREADS says, else an equal share of the cores.

    torch is to be told: by itself it counts the cores without the quota.
    """
    if "OMP_NUM_THREADS" in os.environ:
        import torch

        return torch.get_num_threads()
    return max(1, available_cores() // workers)


def available_memory(cgroups: Path = CGROUPS) -> int:
    """Bytes that can still be used: what the machine has, or the container's limit leaves.

    The cache of files, which a run fills, counts as free: it is given back.

    Args:
        cgroups: folder of the container's limits (cgroup v2; or v1, whose limits are in `memory`).
    """
    free = psutil.virtual_memory().available
    v1 = cgroups / "memory"
    for limit, used, cache in (
        (cgroups / "memory.max", cgroups / "memory.current", "inactive_file"),
        (v1 / "memory.limit_in_bytes", v1 / "memory.usage_in_bytes", "total_inactive_file"),
    ):
        if not limit.exists() or limit.read_text().strip() == "max":
            continue
        lines = (limit.parent / "memory.stat").read_text().splitlines()
        given_back = dict(line.split() for line in lines)[cache]
        free = min(free, int(limit.read_text()) - int(used.read_text()) + int(given_back))
    return max(0, free)
