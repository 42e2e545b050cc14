"""The engine that params.yaml names, with a model loaded."""

import os
from pathlib import Path

from distalign.engines.engine import Engine, EngineName
from distalign.engines.vllm_settings import vllm_environment
from distalign.machine.cores import threads_of
from distalign.machine.precision import Precision, has_gpu


def open_engine(
    name: EngineName,
    folder: Path,
    precision: Precision,
    tensor_parallel: int = 1,
    threads: int | None = None,
) -> Engine:
    """The engine with a model folder loaded; `threads` of the CPU, or as many as there are."""
    import torch

    threads = threads or threads_of()
    torch.set_num_threads(threads)
    if name == "transformers" or (name == "auto" and not has_gpu()):
        from distalign.engines.transformers_engine import TransformersEngine

        return TransformersEngine(folder, precision)
    # vLLM reads these when it is imported.
    os.environ.update(
        vllm_environment(tensor_parallel, threads),
        VLLM_ENABLE_V1_MULTIPROCESSING="0",
        VLLM_USE_V2_MODEL_RUNNER="0",  # it takes no logits processors of ours
        VLLM_WORKER_MULTIPROC_METHOD="spawn",  # a fork keeps locks of threads that it has not
    )
    from distalign.engines.vllm_engine import VllmEngine

    return VllmEngine(folder, precision, tensor_parallel)
