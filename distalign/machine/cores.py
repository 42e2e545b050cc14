"""How many cores there are to compute on: in a container, fewer than the machine has."""

import os


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
