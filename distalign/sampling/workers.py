"""Who draws the shards of rounds: one engine in this process, or several that Ray starts."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from distalign.engines.opening import open_engine
from distalign.machine.cores import threads_of
from distalign.machine.precision import Precision, has_gpu
from distalign.models.policy import check_base, merged, read_policy
from distalign.records.files import read_jsonl, read_source, write_jsonl
from distalign.records.schemas import DatasetSpec, Round
from distalign.sampling.rounds import SampleParams, Shard, sample_shard

# Of a worker that was killed: Ray starts another one, which draws the shard anew.
RETRIES = 3
Draw = Callable[[Sequence[tuple[int, Shard]]], Iterator[tuple[int, list[Round]]]]
"""Numbered shards -> their rounds, in any order."""


class Worker:
    """An engine with a policy's whole model.

    Raises:
        InputError: the policy in the folder belongs to another base model.
    """

    def __init__(
        self,
        params: SampleParams,
        folder: Path,
        base: Path,
        spec: DatasetSpec,
        precision: Precision,
        threads: int,
    ) -> None:
        from transformers import AutoTokenizer

        self._spec, self._policy = spec, read_policy(folder)
        check_base(self._policy, read_source(base)["sha256"], folder)
        with merged(self._policy, folder, base, precision) as whole:
            self._engine = open_engine(
                params.engine, whole, precision, params.tensor_parallel, threads
            )
            self._tokenizer = AutoTokenizer.from_pretrained(whole)

    def draw(self, number: int, shard: Shard) -> tuple[int, list[Round]]:
        return number, sample_shard(self._engine, self._tokenizer, self._policy, self._spec, shard)


@contextlib.contextmanager
def open_workers(
    params: SampleParams, folder: Path, base: Path, spec: DatasetSpec, precision: Precision
) -> Iterator[Draw]:
    """Workers with the policy in a folder.

    More than one run in the Ray cluster that RAY_ADDRESS names, or in one of their own on this
    machine; they read the same paths as this process, and each has its share of as many cores.

    Raises:
        InputError: the policy in the folder belongs to another base model.
    """
    if params.workers == 1:
        worker = Worker(params, folder, base, spec, precision, threads_of())
        yield lambda shards: (worker.draw(*item) for item in shards)
        return
    import ray
    from ray.util import ActorPool

    check_base(read_policy(folder), read_source(base)["sha256"], folder)
    # As many as are asked for: Ray counts half a core as none, and would wait for more.
    own = {"address": "local", "num_cpus": params.workers}
    ray.init(log_to_driver=False, **({} if "RAY_ADDRESS" in os.environ else own))
    actor = ray.remote(max_restarts=RETRIES, max_task_retries=RETRIES)(Worker)
    actor = actor.options(num_cpus=1, num_gpus=params.tensor_parallel if has_gpu() else 0)
    paths = folder.resolve(), base.resolve()
    # Told here: to a worker, Ray sets OMP_NUM_THREADS itself.
    actor = partial(actor.remote, params, *paths, spec, precision, threads_of(params.workers))
    pool = ActorPool([actor() for _ in range(params.workers)])
    try:
        yield lambda shards: pool.map_unordered(lambda a, item: a.draw.remote(*item), shards)
    finally:
        ray.shutdown()


def draw_all(draw: Draw, shards: Sequence[Shard], store: Path) -> list[Round]:
    """The rounds of all shards, in order.

    Each shard is kept in the folder `store` as soon as it is drawn, and not drawn again when an
    interrupted run comes back; who has the rounds in safety removes the folder.
    """
    files = [store / f"{number}.jsonl" for number in range(len(shards))]
    missing = [(i, shard) for i, shard in enumerate(shards) if not files[i].is_file()]
    total = sum(len(shard.plan) for shard in shards)
    kept = total - sum(len(shard.plan) for _, shard in missing)
    with tqdm(total=total, initial=kept, unit="round") as bar:
        for number, rounds in draw(missing):
            write_jsonl(files[number], rounds)
            bar.update(len(rounds))
    return [row for file in files for row in read_jsonl(file, Round)]
