"""Two engines behind one call: continue token prompts. vLLM, or transformers without it."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from distalign.cores import threads_of
from distalign.precision import Precision, has_gpu, torch_dtype
from distalign.records import InputError

if TYPE_CHECKING:
    from torch import Tensor

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
        draw: called once a prompt, in the order of the prompts, with the prompt's index and
            the log-probabilities (K,); the response then starts with the token at the place
            that it returns. None leaves the first token to the model. An engine of several
            processes calls it in each, so it has no state.
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


class TransformersEngine:
    """Batched `generate` of transformers, for machines where vLLM does not run."""

    def __init__(self, folder: Path, precision: Precision, batch_size: int = 64) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

        self._tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        if self._tokenizer.pad_token is None:  # Llama-3 has none, and what is padded is masked
            self._tokenizer.pad_token = self._tokenizer.eos_token
        device = "cuda" if has_gpu() else "cpu"
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch_dtype(precision))
        self._model = model.to(device).eval()
        ends = model.generation_config.eos_token_id
        self._ends = {self._tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
        self._ends.discard(None)
        # Of the model's own settings only what ends a response is kept: no repetition penalty,
        # and none of the rows that pad its vocabulary.
        self._padded = list(range(len(self._tokenizer), model.config.vocab_size))
        model.generation_config = GenerationConfig(
            eos_token_id=sorted(self._ends),
            pad_token_id=self._tokenizer.pad_token_id,
            suppress_tokens=self._padded or None,
        )
        self._batch_size = batch_size

    def generate(
        self,
        prompts: Sequence[list[int]],
        decoding: Decoding,
        seed: int,
        first: FirstToken | None = None,
    ) -> list[Continuation]:
        import torch

        torch.manual_seed(seed)
        results: list[Continuation] = []
        with torch.inference_mode():
            for start in range(0, len(prompts), self._batch_size):
                batch = list(prompts[start : start + self._batch_size])
                logps: list[Any] = [None] * len(batch)
                begun: list[list[int]] = [[] for _ in batch]
                if first is not None:
                    logps = list(self._first_logps(batch, first.ids))
                    if first.draw is not None:
                        places = [first.draw(start + i, row) for i, row in enumerate(logps)]
                        begun = [[first.ids[place]] for place in places]
                rows = self._continue(batch, begun, decoding)
                results += [Continuation(*pair) for pair in zip(rows, logps, strict=True)]
        return results

    def _first_logps(self, batch: list[list[int]], ids: list[int]) -> np.ndarray:
        inputs = self._pad(batch)
        hidden = self._model.base_model(**inputs).last_hidden_state[:, -1].contiguous()
        head = self._model.get_output_embeddings()
        logits = head(hidden).float()
        logits[:, ids] = hidden.float() @ head.weight[ids].float().T
        logits[:, self._padded] = float("-inf")
        logps = logits[:, ids] - logits.logsumexp(-1, keepdim=True)
        return logps.double().cpu().numpy()

    def _continue(
        self, batch: list[list[int]], begun: list[list[int]], decoding: Decoding
    ) -> list[list[int]]:
        """Tokens of the responses, of which `begun` are the first."""
        left = decoding.max_tokens - len(begun[0])
        if left == 0:
            return begun
        inputs = self._pad([prompt + start for prompt, start in zip(batch, begun, strict=True)])
        output: Tensor = self._model.generate(
            **inputs,
            do_sample=decoding.temperature > 0,
            temperature=decoding.temperature or None,
            top_p=decoding.top_p,
            top_k=decoding.top_k,
            max_new_tokens=left,
        )
        rows = output[:, inputs["input_ids"].shape[1] :].tolist()
        ended = [list(takewhile(lambda token: token not in self._ends, row)) for row in rows]
        return [start + row for start, row in zip(begun, ended, strict=True)]

    def _pad(self, batch: Sequence[list[int]]) -> dict:
        padded = self._tokenizer.pad({"input_ids": list(batch)}, return_tensors="pt")
        return padded.to(self._model.device)


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
    if name == "transformers":
        return TransformersEngine(folder, precision)
    # vLLM reads these when it is imported.
    os.environ.update(
        vllm_environment(tensor_parallel, threads),
        VLLM_ENABLE_V1_MULTIPROCESSING="0",
        VLLM_USE_V2_MODEL_RUNNER="0",  # it takes no logits processors of ours
        VLLM_WORKER_MULTIPROC_METHOD="spawn",  # a fork keeps locks of threads that it has not
    )
    from distalign.vllm_engine import VllmEngine

    return VllmEngine(folder, precision, tensor_parallel)
