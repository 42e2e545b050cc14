"""vLLM in this process: one request a response, its first token watched and chosen on the way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from vllm import LLM, CompletionOutput, SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor
from vllm.v1.sample.logits_processor.builtin import process_dict_updates

from distalign.engines import (
    LONGEST,
    Continuation,
    Decoding,
    FirstToken,
    has_gpu,
    vllm_arguments,
)
from distalign.records import InputError

NUMBER = "number"
CPU_CACHE_BYTES = 2**30
CPU_SEQUENCES = 128


class Watch:
    """What the running call of `generate` wants at first tokens, and what was seen of them."""

    def __init__(self) -> None:
        self.start(None, 0)

    def start(self, first: FirstToken | None, n_prompts: int) -> None:
        self.first = first
        self.logps = None if first is None else np.empty((n_prompts, len(first.ids)))

    def see(self, logits: Tensor, rows: dict[int, int]) -> None:
        """Note the logits (batch, V) of new rows, {prompt: row}, and force the drawn tokens."""
        ids, order = self.first.ids, sorted(rows)
        block = logits[[rows[number] for number in order]]
        logps = block[:, ids] - block.logsumexp(-1, keepdim=True)
        self.logps[order] = logps.double().cpu().numpy()
        if self.first.draw is not None:
            for number in order:
                chosen = ids[self.first.draw(number, self.logps[number])]
                logits[rows[number]] = -torch.inf
                logits[rows[number], chosen] = 0.0


def float32_columns(watch: Watch, n_items: int) -> Any:
    """A forward hook of vLLM's logits layer: float32 logits at the watched tokens, and none of
    the rows that pad the vocabulary beyond the tokenizer's items.

    The layer's own product is rounded to bfloat16, which moves a probability of one half in
    steps of 0.015 to 0.03. The other logits only enter the normaliser.
    """

    def hook(layer: nn.Module, inputs: tuple, logits: Tensor) -> Tensor:
        head, hidden = inputs[0], inputs[1]
        logits = logits.float()
        if watch.first is not None:
            ids = watch.first.ids
            logits[:, ids] = hidden.float() @ head.weight[ids].float().T
        logits[:, n_items:] = -torch.inf
        return logits

    return hook


def processor_for(watch: Watch) -> type[LogitsProcessor]:
    """The class that vLLM makes its logits processor from, bound to the engine's watch."""

    class FirstTokenProcessor(LogitsProcessor):
        def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
            self._new: dict[int, int] = {}

        def is_argmax_invariant(self) -> bool:
            return False

        def update_state(self, batch_update: BatchUpdate | None) -> None:
            def number(params: SamplingParams, prompt: Any, output: list[int]) -> int | None:
                # A request that was preempted comes again with what it has generated.
                return None if output else params.extra_args[NUMBER]

            process_dict_updates(self._new, batch_update, number)

        def apply(self, logits: Tensor) -> Tensor:
            if self._new and watch.first is not None:
                watch.see(logits, {number: row for row, number in self._new.items()})
            self._new.clear()
            return logits

    return FirstTokenProcessor


class VllmEngine:
    """vLLM in this process, every core or GPU memory at its disposal.

    Raises:
        InputError: the model scales or caps its logits, which the float32 product does not.
    """

    def __init__(self, folder: Path) -> None:
        self._watch = Watch()
        arguments = vllm_arguments(folder, "bfloat16") | {
            # A prompt's logits are seen once and whole, before its token is drawn.
            "enable_chunked_prefill": False,
            "async_scheduling": False,
            "max_num_batched_tokens": LONGEST,
            "disable_log_stats": True,
        }
        if not has_gpu():
            arguments |= {"max_num_seqs": CPU_SEQUENCES, "kv_cache_memory_bytes": CPU_CACHE_BYTES}
        self._llm = LLM(str(folder), logits_processors=[processor_for(self._watch)], **arguments)
        self._llm.apply_model(self._hook)

    def _hook(self, model: nn.Module) -> None:
        layer = model.logits_processor
        if layer.scale != 1.0 or layer.soft_cap is not None:
            raise InputError("models that scale or cap their logits need engine: transformers")
        layer.register_forward_hook(float32_columns(self._watch, len(self._llm.get_tokenizer())))

    def generate(
        self,
        prompts: Sequence[list[int]],
        decoding: Decoding,
        seed: int,
        first: FirstToken | None = None,
    ) -> list[Continuation]:
        self._watch.start(first, len(prompts))
        # One generator for the batch: one a request takes a quarter of the time.
        torch.manual_seed(seed)
        # Prefixes that an earlier call left in the cache would change what is batched together.
        self._llm.reset_prefix_cache()
        wanted = [
            SamplingParams(
                max_tokens=decoding.max_tokens,
                temperature=decoding.temperature,
                top_p=decoding.top_p,
                top_k=decoding.top_k,
                detokenize=False,
                skip_clone=True,
                extra_args={NUMBER: number},
            )
            for number in range(len(prompts))
        ]
        inputs = [{"prompt_token_ids": ids} for ids in prompts]
        outputs = self._llm.generate(inputs, wanted, use_tqdm=False)
        return [
            Continuation(
                _without_end(output.outputs[0]),
                None if first is None else self._watch.logps[number],
            )
            for number, output in enumerate(outputs)
        ]


def _without_end(output: CompletionOutput) -> list[int]:
    """Its tokens without the one that ended it, which is any of the model's several."""
    ids = list(output.token_ids)
    return ids[:-1] if output.finish_reason == "stop" else ids
