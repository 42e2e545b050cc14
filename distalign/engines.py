"""Two engines behind one call: continue token prompts. vLLM, or transformers without it."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from distalign.precision import Precision, has_gpu
from distalign.records import InputError

EngineName = Literal["vllm", "transformers"]
# CPU: attention wants multiples of 32; vLLM's own default of 128 never shares a short prefix.
CPU_BLOCK_SIZE = 32
LONGEST = 8192
"""Tokens of a prompt with its response, where the model takes as many."""


@dataclass(frozen=True)
class Decoding:
    """How a response is decoded; top_k = 0 and top_p = 1 are off."""

    temperature: float
    top_p: float
    top_k: int
    max_tokens: int


@dataclass(frozen=True)
class FirstToken:
    """What is wanted at the first token of every response.

    Attributes:
        ids: tokens whose log-probabilities are returned.
        draw: called once a prompt, in any order, with the prompt's index and the
            log-probabilities (K,); the response then starts with the token at the place that it
            returns. None leaves the first token to the model. An engine of several processes
            calls it in each, so it has no state.
    """

    ids: list[int]
    draw: Callable[[int, np.ndarray], int] | None


@dataclass(frozen=True)
class Continuation:
    """A response's tokens without the one that ended it, and what was seen of its first.

    `logps` are log P_θ(token|prompt) over the whole vocabulary at the wanted tokens, (K,). In
    whatever precision the model runs, the product of its last hidden state with those tokens'
    rows of the head is float32.
    """

    token_ids: list[int]
    logps: np.ndarray | None


class Engine(Protocol):
    def generate(
        self,
        prompts: Sequence[list[int]],
        decoding: Decoding,
        seed: int,
        first: FirstToken | None = None,
    ) -> list[Continuation]:
        """One continuation a prompt. Same arguments, same result."""


def vllm_environment(
    place: int = 0, n_workers: int = 1, tensor_parallel: int = 1
) -> dict[str, str]:
    """Environment of a vLLM engine: on CPU it binds one core unless told which to take.

    Args:
        place, n_workers: which of how many engines it is, between which the cores are divided.
        tensor_parallel: processes of the engine, each with a share of its cores.
    """
    if has_gpu():
        return {}
    cores = sorted(os.sched_getaffinity(0))
    cores = cores[place % len(cores) :: n_workers]
    shares = [cores[rank % len(cores) :: tensor_parallel] for rank in range(tensor_parallel)]
    return {
        "VLLM_CPU_OMP_THREADS_BIND": "|".join(",".join(map(str, share)) for share in shares),
        "VLLM_CPU_KVCACHE_SPACE": "2",
        "VLLM_LOGGING_LEVEL": "WARNING",
    }


def vllm_arguments(folder: Path, precision: Precision) -> dict[str, str | int | bool]:
    """Arguments that vLLM's offline engine and its server share. InputError: no model there."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{folder}: no model ({error}); run `dvc repro`") from error
    longest = min(LONGEST, config["max_position_embeddings"])
    shared: dict[str, str | int | bool] = {
        "dtype": precision,
        "max_model_len": longest,
        "seed": 0,
    }
    if has_gpu():
        return shared
    return shared | {
        "block_size": CPU_BLOCK_SIZE,
        "max_num_seqs": 64,
        "max_num_batched_tokens": LONGEST,
        # A seeded request that is prefilled in parts rewinds its generator, which torch
        # cannot do on CPU.
        "enable_chunked_prefill": False,
        "enforce_eager": True,
    }


def server_command(
    folder: Path, precision: Precision, arguments: dict[str, str | int | bool]
) -> list[str]:
    """Command line of vLLM's OpenAI-compatible server for a model folder. InputError: no model.

    The server ends with the process that starts it, however that ends. A request decides alone
    how it is decoded: of the model's own settings (Qwen2.5 has a repetition penalty) none holds.
    """
    shared = vllm_arguments(folder, precision) | {"generation_config": "vllm"}
    flags = []
    for key, value in (shared | arguments).items():
        name = key.replace("_", "-")
        if isinstance(value, bool):
            flags.append(f"--{name}" if value else f"--no-{name}")
        else:
            flags += [f"--{name}", str(value)]
    server = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder)]
    return ["setpriv", "--pdeathsig", "TERM", *server, *flags]


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
        from distalign.transformers_engine import TransformersEngine

        return TransformersEngine(folder, precision)
    # vLLM reads these when it is imported.
    os.environ.update(
        vllm_environment(place, n_workers, tensor_parallel),
        VLLM_ENABLE_V1_MULTIPROCESSING="0",
        VLLM_USE_V2_MODEL_RUNNER="0",  # it takes no logits processors of ours
        VLLM_WORKER_MULTIPROC_METHOD="spawn",  # a fork keeps locks of threads that it has not
    )
    from distalign.vllm_engine import VllmEngine

    return VllmEngine(folder, precision, tensor_parallel)
