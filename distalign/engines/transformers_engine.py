"""The engine for machines where vLLM does not run."""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distalign.engines.engine import Continuation, Decoding, FirstToken
from distalign.machine.precision import Precision, has_gpu, torch_dtype

if TYPE_CHECKING:
    from torch import Tensor


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
