"""Two engines behind one call: continue token prompts. vLLM, or transformers without it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

EngineName = Literal["vllm", "transformers"]
# CPU: attention wants multiples of 32; vLLM's own default of 128 never shares a short prefix.
CPU_BLOCK_SIZE = 32
CPU_SEQUENCES = 64


@dataclass(frozen=True)
class Decoding:
    """How the response is decoded; top_k = 0 and top_p = 1 are off."""

    temperature: float
    top_p: float
    top_k: int
    max_tokens: int


class Engine(Protocol):
    def first_token_logprobs(
        self, prompts: Sequence[list[int]], token_ids: Sequence[int]
    ) -> np.ndarray:
        """log P_θ(token|prompt) over the whole vocabulary, shape (prompts, tokens)."""

    def generate(
        self, prompts: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int]
    ) -> list[list[int]]:
        """Token ids of one continuation a prompt, without the end-of-sequence token."""


def has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def vllm_environment() -> dict[str, str]:
    """Environment of a vLLM process: on CPU it binds one core unless told to take all."""
    if has_gpu():
        return {}
    cores = sorted(os.sched_getaffinity(0))
    return {
        "VLLM_CPU_OMP_THREADS_BIND": ",".join(str(core) for core in cores),
        "VLLM_CPU_KVCACHE_SPACE": "2",
        "VLLM_LOGGING_LEVEL": "WARNING",
    }


def vllm_arguments(dtype: str) -> dict[str, str | int | bool]:
    """Arguments that vLLM's offline engine and its server share."""
    shared: dict[str, str | int | bool] = {"dtype": dtype, "max_model_len": 2048, "seed": 0}
    if has_gpu():
        return shared
    return shared | {
        "block_size": CPU_BLOCK_SIZE,
        "max_num_seqs": CPU_SEQUENCES,
        "max_num_batched_tokens": 8192,
        # A seeded request that is prefilled in parts rewinds its generator, which torch
        # cannot do on CPU.
        "enable_chunked_prefill": False,
        "enforce_eager": True,
    }


class VllmEngine:
    """vLLM in this process, every core or GPU memory at its disposal."""

    def __init__(self, folder: Path) -> None:
        os.environ.update(vllm_environment(), VLLM_ENABLE_V1_MULTIPROCESSING="0")
        from vllm import LLM

        self._llm = LLM(str(folder), disable_log_stats=True, **vllm_arguments("bfloat16"))

    def first_token_logprobs(
        self, prompts: Sequence[list[int]], token_ids: Sequence[int]
    ) -> np.ndarray:
        from vllm import SamplingParams

        wanted = SamplingParams(max_tokens=1, temperature=0, logprob_token_ids=list(token_ids))
        outputs = self._llm.generate([{"prompt_token_ids": ids} for ids in prompts], wanted)
        first = [output.outputs[0].logprobs[0] for output in outputs]
        return np.array([[row[token].logprob for token in token_ids] for row in first])

    def generate(
        self, prompts: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int]
    ) -> list[list[int]]:
        from vllm import SamplingParams

        wanted = [
            SamplingParams(
                max_tokens=decoding.max_tokens,
                temperature=decoding.temperature,
                top_p=decoding.top_p,
                top_k=decoding.top_k,
                seed=seed,
                detokenize=False,
            )
            for seed in seeds
        ]
        outputs = self._llm.generate([{"prompt_token_ids": ids} for ids in prompts], wanted)
        eos = self._llm.get_tokenizer().eos_token_id
        return [[t for t in output.outputs[0].token_ids if t != eos] for output in outputs]


class TransformersEngine:
    """Batched `generate` of transformers, for machines where vLLM does not run."""

    def __init__(self, folder: Path, batch_size: int = 64) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        device = "cuda" if has_gpu() else "cpu"
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        self._model = model.to(device).eval()
        self._batch_size = batch_size

    def first_token_logprobs(
        self, prompts: Sequence[list[int]], token_ids: Sequence[int]
    ) -> np.ndarray:
        import torch

        rows = []
        for batch in self._batches(prompts, "first token"):
            with torch.inference_mode():
                logits = self._model(**self._pad(batch), logits_to_keep=1).logits[:, -1]
            rows.append(logits.float().log_softmax(-1)[:, list(token_ids)].cpu().numpy())
        return np.concatenate(rows)

    def generate(
        self, prompts: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int]
    ) -> list[list[int]]:
        import torch

        eos = self._tokenizer.eos_token_id
        rows = []
        for start, batch in enumerate(self._batches(prompts, "responses")):
            inputs = self._pad(batch)
            torch.manual_seed(seeds[start * self._batch_size])
            with torch.inference_mode():
                output = self._model.generate(
                    **inputs,
                    do_sample=decoding.temperature > 0,
                    temperature=decoding.temperature or None,
                    top_p=decoding.top_p,
                    top_k=decoding.top_k,
                    max_new_tokens=decoding.max_tokens,
                    pad_token_id=eos,
                )
            for row in output[:, inputs["input_ids"].shape[1] :].tolist():
                rows.append(row[: row.index(eos)] if eos in row else row)
        return rows

    def _batches(self, prompts: Sequence[list[int]], label: str) -> list[Sequence[list[int]]]:
        from tqdm import tqdm

        starts = range(0, len(prompts), self._batch_size)
        return tqdm(
            [prompts[start : start + self._batch_size] for start in starts],
            desc=label,
            unit="batch",
        )

    def _pad(self, batch: Sequence[list[int]]) -> dict:
        padded = self._tokenizer.pad({"input_ids": list(batch)}, return_tensors="pt")
        return padded.to(self._model.device)


def open_engine(name: EngineName, folder: Path) -> Engine:
    return VllmEngine(folder) if name == "vllm" else TransformersEngine(folder)
