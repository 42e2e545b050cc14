"""vLLM: one request a response, its first token watched and chosen on the way."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from vllm import LLM, CompletionOutput, SamplingParams
from vllm.distributed import tensor_model_parallel_all_reduce
from vllm.model_executor.layers.vocab_parallel_embedding import VocabParallelEmbedding
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor
from vllm.v1.sample.logits_processor.builtin import process_dict_updates
from vllm.v1.worker.worker_base import WorkerBase

from distalign.engines.engine import Continuation, Decoding, FirstToken
from distalign.engines.vllm_settings import LONGEST, vllm_arguments
from distalign.machine.precision import Precision, has_gpu

NUMBER = "number"
CPU_CACHE_BYTES = 2**30
CPU_SEQUENCES = 128


class FirstTokenProcessor(LogitsProcessor):
    """What the running call of `generate` wants at first tokens, and what was seen of them.

    Each process of an engine has one; all see the same logits and draw the same tokens.
    """

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        self._new: dict[int, int] = {}
        self.start(None, 0)

    def start(self, first: FirstToken | None, n_prompts: int) -> None:
        self.first = first
        self.logps = np.empty((n_prompts, 0 if first is None else len(first.ids)))

    def is_argmax_invariant(self) -> bool:
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        def number(params: SamplingParams, prompt: Any, output: list[int]) -> int | None:
            # A request that was preempted comes again with what it has generated.
            return None if output else params.extra_args[NUMBER]

        process_dict_updates(self._new, batch_update, number)

    def apply(self, logits: Tensor) -> Tensor:
        if self._new and self.first is not None:
            self._see(self.first, logits, {number: row for row, number in self._new.items()})
        self._new.clear()
        return logits

    def _see(self, first: FirstToken, logits: Tensor, rows: dict[int, int]) -> None:
        """Note the logits (batch, V) of new rows, {prompt: row}, and force the drawn tokens."""
        ids, order = first.ids, sorted(rows)
        block = logits[[rows[number] for number in order]]
        logps = block[:, ids] - block.logsumexp(-1, keepdim=True)
        self.logps[order] = logps.double().cpu().numpy()
        if first.draw is not None:
            for number in order:
                chosen = ids[first.draw(number, self.logps[number])]
                logits[rows[number]] = -torch.inf
                logits[rows[number], chosen] = 0.0


def float32_logits(head: VocabParallelEmbedding, hidden: Tensor, ids: Sequence[int]) -> Tensor:
    """Products (batch, K) of some tokens, of which each process of an engine holds some rows."""
    begin, end = head.shard_indices.org_vocab_start_index, head.shard_indices.org_vocab_end_index
    own = [place for place, token in enumerate(ids) if begin <= token < end]
    rows = head.weight[[ids[place] - begin for place in own]]
    logits = torch.zeros(len(hidden), len(ids), device=hidden.device)
    logits[:, own] = hidden.float() @ rows.float().T
    return tensor_model_parallel_all_reduce(logits)


def float32_columns(processor: FirstTokenProcessor, n_items: int) -> Any:
    """A forward hook of vLLM's logits layer: float32 logits at the watched tokens, and none of
    the rows that pad the vocabulary beyond the tokenizer's items.

    In bfloat16 the layer's own product is rounded, which moves a probability of one half in
    steps of 0.015 to 0.03. The other logits only enter the normaliser.
    """

    def hook(layer: nn.Module, inputs: tuple, logits: Tensor) -> Tensor:
        head, hidden, *bias = inputs
        logits = logits.float()
        if processor.first is not None and not any(part is not None for part in bias):
            ids = processor.first.ids
            watched = float32_logits(head, hidden, ids)
            if layer.soft_cap is not None:
                watched = layer.soft_cap * torch.tanh(watched / layer.soft_cap)
            logits[:, ids] = layer.scale * watched
        logits[:, n_items:] = -torch.inf
        return logits

    return hook


# What follows runs in each of an engine's processes, on vLLM's worker there.


def _processor(worker: WorkerBase) -> FirstTokenProcessor:
    processors = worker.model_runner.input_batch.logitsprocs.all
    return next(p for p in processors if isinstance(p, FirstTokenProcessor))


def _watch(worker: WorkerBase, n_items: int) -> None:
    layer = worker.get_model().logits_processor
    layer.register_forward_hook(float32_columns(_processor(worker), n_items))


def _start(worker: WorkerBase, first: FirstToken | None, n_prompts: int, seed: int) -> None:
    # One generator for the batch: one a request takes a quarter of the time.
    torch.manual_seed(seed)
    _processor(worker).start(first, n_prompts)


def _seen(worker: WorkerBase) -> NDArray[np.float64] | None:
    processor = _processor(worker)
    return None if processor.first is None else processor.logps


class VllmEngine:
    """vLLM in this process, or in one for each of several GPUs, every core or GPU at its disposal.

    Args:
        tensor_parallel: GPUs of this machine, or shares of its cores, that hold the model.
    """

    def __init__(self, folder: Path, precision: Precision, tensor_parallel: int = 1) -> None:
        arguments = vllm_arguments(folder, precision) | {
            # A prompt's logits are seen once and whole, before its token is drawn.
            "enable_chunked_prefill": False,
            "async_scheduling": False,
            "max_num_batched_tokens": LONGEST,
            "disable_log_stats": True,
            "tensor_parallel_size": tensor_parallel,
            "distributed_executor_backend": "uni" if tensor_parallel == 1 else "mp",
        }
        if not has_gpu():
            arguments |= {"max_num_seqs": CPU_SEQUENCES, "kv_cache_memory_bytes": CPU_CACHE_BYTES}
        self._llm = LLM(str(folder), logits_processors=[FirstTokenProcessor], **arguments)
        n_items = len(self._llm.get_tokenizer())
        self._llm.collective_rpc(partial(_watch, n_items=n_items))

    def generate(
        self,
        prompts: Sequence[list[int]],
        decoding: Decoding,
        seed: int,
        first: FirstToken | None = None,
    ) -> list[Continuation]:
        start = partial(_start, first=first, n_prompts=len(prompts), seed=seed)
        self._llm.collective_rpc(start)
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
        logps = self._llm.collective_rpc(_seen)[0]
        return [
            Continuation(_without_end(output.outputs[0]), None if logps is None else logps[number])
            for number, output in enumerate(outputs)
        ]


def _without_end(output: CompletionOutput) -> list[int]:
    """Its tokens without the one that ended it, which is any of the model's several."""
    ids = list(output.token_ids)
    return ids[:-1] if output.finish_reason == "stop" else ids
