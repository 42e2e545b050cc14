"""As many threads as a process may use: by affinity, by a container's quota, or as a user says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from distalign.engines.vllm_settings import thread_binding
from distalign.machine.cores import available_cores, available_memory, threads_of
from tests.support.paths import ROOT
from tests.support.tiny_models import make_source

CORES = sorted(os.sched_getaffinity(0))
COUNT = "from distalign.machine import cores; print(cores.available_cores(), cores.threads_of())"
# What a container sees of its quota. The mount is gone with the process.
NAMESPACE = ["unshare", "--map-root-user", "--mount", "bash", "-c"]
QUOTAS = {
    "v2": "echo '100000 100000' > cpu.max",
    "v2, half a core": "echo '50000 100000' > cpu.max",
    "v1": "mkdir cpu; echo 100000 > cpu/cpu.cfs_quota_us; echo 100000 > cpu/cpu.cfs_period_us",
}


def counted(*command: str, **environment: str) -> list[int]:
    """Cores and threads in a process of its own."""
    plain = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [*command, sys.executable, "-c", COUNT],
        cwd=ROOT,
        env=plain | environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return [int(word) for word in done.stdout.split()]


def test_an_affinity_is_honoured_and_the_user_has_the_last_word() -> None:
    assert counted() == [available_cores()] * 2
    assert counted("taskset", "-c", str(CORES[-1])) == [1, 1]
    assert counted(OMP_NUM_THREADS="1") == [available_cores(), 1]


@pytest.mark.skipif(
    subprocess.run(
        [*NAMESPACE, "mount -t tmpfs none /sys/fs/cgroup"], capture_output=True
    ).returncode,
    reason="no namespaces for mounts here",
)
@pytest.mark.skipif(len(CORES) == 1, reason="a quota of one core is no bound here")
@pytest.mark.parametrize("quota", QUOTAS)
def test_a_containers_quota_is_honoured(quota: str) -> None:
    mount = "mount -t tmpfs none /sys/fs/cgroup && cd /sys/fs/cgroup &&"
    inside = f'here=$PWD; {mount} {QUOTAS[quota]} && cd $here && exec "$@"'
    assert counted(*NAMESPACE, inside, "_") == [1, 1]


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = available_cores()
    assert [threads_of(workers) for workers in (1, 2, cores, 2 * cores)] == [
        cores,
        max(1, cores // 2),
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("cores", "threads", "processes", "bound"),
    [
        ([0, 1, 6, 7], 4, 1, "0,1,6,7"),
        ([0, 1, 6, 7], 4, 2, "0,6|1,7"),
        ([5], 1, 2, "5|5"),
        ([0, 1], 3, 1, "0,1"),  # a user's word, of more threads than cores
    ],
)
def test_with_all_cores_vllm_is_bound_to_them(
    cores: list[int], threads: int, processes: int, bound: str
) -> None:
    assert thread_binding(cores, threads, processes) == {"VLLM_CPU_OMP_THREADS_BIND": bound}


@pytest.mark.parametrize(("threads", "processes", "each"), [(4, 1, 4), (4, 2, 2), (1, 2, 1)])
def test_with_fewer_threads_than_cores_vllm_is_bound_to_none(
    threads: int, processes: int, each: int
) -> None:
    expected = {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(each)}
    assert thread_binding(list(range(64)), threads, processes) == expected


# In a process of its own: an engine of vLLM that ran before binds a process to its cores for good.
LOADED = """
import sys
from pathlib import Path

import torch

from distalign.engines.opening import open_engine
from distalign.models.policy import load_base

torch.set_num_threads(3)
if sys.argv[1] == "base":
    load_base(Path(sys.argv[2]), "float32")
else:
    open_engine("transformers", Path(sys.argv[2]), "float32", threads=int(sys.argv[3]) or None)
print(torch.get_num_threads())
"""


@pytest.mark.parametrize(
    ("what", "bound", "threads", "expected"),
    [
        ("base", 1, 0, 1),
        ("engine", 1, 0, 1),
        ("engine", 1, 2, 2),
    ],
)
def test_models_compute_on_the_available_cores(
    tmp_path: Path, what: str, bound: int, threads: int, expected: int
) -> None:
    folder = make_source("llama3", tmp_path)
    command = [sys.executable, "-c", LOADED, what, str(folder), str(threads)]
    environment = os.environ | {"LOKY_MAX_CPU_COUNT": str(bound)}
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    assert int(done.stdout.split()[-1]) == min(expected, max(threads, len(CORES)))


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        (".", ("memory.max", "memory.current", "inactive_file")),
        ("memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")),
    ],
)
def test_a_containers_memory_is_what_its_limit_leaves(
    tmp_path: Path, folder: str, names: tuple[str, str, str]
) -> None:
    limit, used, cache = names
    machine = available_memory(tmp_path)  # no container
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / limit).write_text("max\n" if folder == "." else f"{2**62}\n")
    (tmp_path / folder / used).write_text("9000000\n")
    (tmp_path / folder / "memory.stat").write_text(f"anon 12\n{cache} 4000000\n")
    assert available_memory(tmp_path) == pytest.approx(machine, rel=0.5)
    (tmp_path / folder / limit).write_text("10000000\n")
    assert available_memory(tmp_path) == 5_000_000
    (tmp_path / folder / used).write_text("99000000\n")
    assert available_memory(tmp_path) == 0
