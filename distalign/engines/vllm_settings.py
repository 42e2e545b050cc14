"""How vLLM is told to run here: environment, arguments, and its server's command line."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distalign.machine.cores import threads_of
from distalign.machine.precision import Precision, has_gpu
from distalign.records.schemas import InputError

# CPU: attention wants multiples of 32; vLLM's own default of 128 never shares a short prefix.
CPU_BLOCK_SIZE = 32
LONGEST = 8192
"""Tokens of a prompt with its response, where the model takes as many."""


def thread_binding(cores: Sequence[int], threads: int, processes: int) -> dict[str, str]:
    """Environment of vLLM's processes on CPU, which would else take the first cores there are.

    Args:
        cores: that may be run on.
        threads: of all processes together. Where they are fewer than the cores, a quota or a
            share says how many, not which: bound to the first, containers would run on the same.
    """
    if threads < len(cores):
        each = max(1, threads // processes)
        return {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(each)}
    shares = [cores[rank % len(cores) :: processes] for rank in range(processes)]
    bound = "|".join(",".join(map(str, share)) for share in shares)
    return {"VLLM_CPU_OMP_THREADS_BIND": bound}


def vllm_environment(tensor_parallel: int = 1, threads: int | None = None) -> dict[str, str]:
    """Environment of a vLLM engine.

    Args:
        tensor_parallel: processes of the engine, between which its threads are divided.
        threads: of the CPU; default: as many as there are.
    """
    if has_gpu():
        return {}
    cores = sorted(os.sched_getaffinity(0))
    return thread_binding(cores, threads or threads_of(), tensor_parallel) | {
        "VLLM_CPU_KVCACHE_SPACE": "2",
        "VLLM_LOGGING_LEVEL": "WARNING",
    }


def longest_text(config: Mapping[str, Any]) -> int:
    """Tokens that a model takes, by its config.json: models that read images keep it deeper,
    and GPT-2 calls it otherwise; LONGEST where none is told.
    """
    text = config.get("text_config", config)
    keys = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
    return next((text[key] for key in keys if text.get(key)), LONGEST)


def vllm_arguments(folder: Path, precision: Precision) -> dict[str, str | int | bool]:
    """Arguments that vLLM's offline engine and its server share. InputError: no model there."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{folder}: no model ({error}); run `dvc repro`") from error
    longest = min(LONGEST, longest_text(config))
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
    folder: Path,
    precision: Precision,
    arguments: dict[str, str | int | bool],
    module: str = "vllm.entrypoints.openai.api_server",
) -> list[str]:
    """Command line of vLLM's OpenAI-compatible server for a model folder. InputError: no model.

    The server ends with the process that starts it, however that ends. A request decides alone
    how it is decoded: of the model's own settings (Qwen2.5 has a repetition penalty) none holds.

    Args:
        module: that runs the server, with the flags of vLLM's own.
    """
    shared = vllm_arguments(folder, precision) | {"generation_config": "vllm"}
    flags = []
    for key, value in (shared | arguments).items():
        name = key.replace("_", "-")
        if isinstance(value, bool):
            flags.append(f"--{name}" if value else f"--no-{name}")
        else:
            flags += [f"--{name}", str(value)]
    server = [sys.executable, "-m", module, "--model", str(folder)]
    return ["setpriv", "--pdeathsig", "TERM", *server, *flags]
