"""The engine that params.yaml names, with a model loaded."""

import os
from pathlib import Path

from distalign.engines.engine import Engine, EngineName
from distalign.engines.vllm_settings import vllm_environment
from distalign.machine.precision import Precision


def open_engine(
    name: EngineName,
    folder: Path,
    precision: Precision,
    place: int = 0,
    n_workers: int = 1,
    tensor_parallel: int = 1,
) -> Engine:
    """The engine with a model folder loaded; for its share of the cores see `vllm_environment`."""
    if name == "transformers":
        from distalign.engines.transformers_engine import TransformersEngine

        return TransformersEngine(folder, precision)
    # vLLM reads these when it is imported.
    os.environ.update(
        vllm_environment(place, n_workers, tensor_parallel),
        VLLM_ENABLE_V1_MULTIPROCESSING="0",
        VLLM_USE_V2_MODEL_RUNNER="0",  # it takes no logits processors of ours
        VLLM_WORKER_MULTIPROC_METHOD="spawn",  # a fork keeps locks of threads that it has not
    )
    from distalign.engines.vllm_engine import VllmEngine

    return VllmEngine(folder, precision, tensor_parallel)
