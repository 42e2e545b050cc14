"""Transformers' models as an engine: a batch of prompts is read as one tree of tokens.

What prompts begin with in common, their template and often their first words, is run once. Then
each prompt has its keys and values in a row of its own, and responses are decoded side by side.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import (
    AttentionInterface,
    AutoModelForCausalLM,
    AutoTokenizer,
    Cache,
    DynamicCache,
)
from transformers.cache_utils import StaticLayer

from distalign.engines.draws import draw
from distalign.engines.engine import Continuation, Decoding, FirstToken
from distalign.engines.prefix_tree import branches, prefix_tree
from distalign.machine.precision import Precision, has_gpu, torch_dtype
from distalign.models.head import output_head
from distalign.models.layout import attention_layout
from distalign.models.packing import ATTENTION, check_window, soft_capped

ROWS = "token_rows"
BATCH_SIZE = 256
"""Prompts whose responses are decoded side by side."""
DRAWN = 32
"""Rows whose next tokens are drawn together: the probabilities of more would leave the cache."""
ENDED = 0.25
"""Share of the rows that may have ended before the others are copied together."""


def attend_rows(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: None, scaling: float,
    visible: Tensor, softcap: float | None = None, **_: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """Attention of one new token a row, as transformers calls it.

    Args:
        query: (B, H, 1, D); key, value: (B, H', L, D) of a cache of fixed length.
        visible: (B, 1, 1, L), 0 at a row's own keys and -inf elsewhere.

    Returns:
        (B, 1, H, D), and no weights.
    """
    n_rows, n_heads, width = query.shape[0], query.shape[1], query.shape[3]
    grouped = query.view(n_rows, key.shape[1], -1, width)
    scores = soft_capped((grouped @ key.transpose(2, 3)).float() * scaling, softcap)
    weights = (scores + visible).softmax(-1)
    return (weights.to(value.dtype) @ value).view(n_rows, 1, n_heads, width), None


AttentionInterface.register(ROWS, attend_rows)


class TransformersEngine:
    """A model of transformers in this process, on the GPU or all cores."""

    def __init__(self, folder: Path, precision: Precision) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch_dtype(precision),
            attn_implementation=ATTENTION,
            use_safetensors=True,
        )
        self._model = model.to("cuda" if has_gpu() else "cpu").eval()
        # Of the model's own settings only what ends a response is kept: no repetition penalty,
        # and none of the rows that pad its vocabulary.
        ends = model.generation_config.eos_token_id
        ends = {self._tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
        self._ends = torch.tensor(sorted(ends - {None}), device=self._model.device)
        self._n_items = len(self._tokenizer)

    def generate(
        self,
        prompts: Sequence[list[int]],
        decoding: Decoding,
        seed: int,
        first: FirstToken | None = None,
    ) -> list[Continuation]:
        rng = np.random.default_rng(seed)
        results: dict[int, Continuation] = {}
        # Neighbours in this order begin alike.
        order = sorted(range(len(prompts)), key=lambda number: prompts[number])
        with torch.inference_mode():
            for start in range(0, len(order), BATCH_SIZE):
                numbers = order[start : start + BATCH_SIZE]
                batch = [prompts[number] for number in numbers]
                results |= zip(
                    numbers, self._batch(batch, numbers, decoding, first, rng), strict=True
                )
        return [results[number] for number in range(len(prompts))]

    def _batch(
        self,
        prompts: list[list[int]],
        numbers: list[int],
        decoding: Decoding,
        first: FirstToken | None,
        rng: np.random.Generator,
    ) -> list[Continuation]:
        check_window(self._model.config, max(map(len, prompts)) + decoding.max_tokens)
        tokens, paths = prefix_tree(prompts)
        hidden, cache = self._read(tokens, paths)
        logits = self._logits(hidden[[path[-1] for path in paths]], first)
        logps: Any = [None] * len(prompts)
        drawn = None
        if first is not None:
            logps = (logits[:, first.ids] - logits.logsumexp(-1, keepdim=True)).double()
            logps = list(logps.cpu().numpy())
            if first.draw is not None:
                places = [first.draw(*seen) for seen in zip(numbers, logps, strict=True)]
                drawn = torch.tensor([first.ids[place] for place in places])
        texts = self._decode(logits, drawn, cache, paths, decoding, rng)
        return [Continuation(*pair) for pair in zip(texts, logps, strict=True)]

    def _read(self, tokens: list[int], paths: list[list[int]]) -> tuple[Tensor, DynamicCache]:
        """Hidden states (T, H) and the keys and values of the tree's tokens."""
        device, cache = self._model.device, DynamicCache()
        depths = {place: depth for path in paths for depth, place in enumerate(path)}
        groups = branches(paths)
        layout = attention_layout(
            [own for _, own in groups],
            [before + own for before, own in groups],
            [[0] * len(own) for _, own in groups],
            device,
        )
        self._model.set_attn_implementation(ATTENTION)
        output = self._model.base_model(
            input_ids=torch.tensor([tokens], device=device),
            position_ids=torch.tensor([[depths[i] for i in range(len(tokens))]], device=device),
            past_key_values=cache,
            use_cache=True,
            layout=layout,
        )
        return output.last_hidden_state[0], cache

    def _logits(self, hidden: Tensor, first: FirstToken | None) -> Tensor:
        """Logits (B, V) in float32; the products of watched tokens are float32 too."""
        head = output_head(self._model)
        logits = head.logits(hidden)
        if first is not None:
            watched = torch.tensor(first.ids, device=hidden.device)
            logits[:, first.ids] = head.at(watched).logits(hidden)
        logits[:, self._n_items :] = -torch.inf
        return logits

    def _decode(
        self,
        logits: Tensor,
        drawn: Tensor | None,
        cache: DynamicCache,
        paths: list[list[int]],
        decoding: Decoding,
        rng: np.random.Generator,
    ) -> list[list[int]]:
        """Tokens of each response without its end; `drawn` (B,) are the first, if there are."""
        device = self._model.device
        texts: list[list[int]] = [[] for _ in paths]
        rows = torch.arange(len(paths), device=device)
        going = torch.ones_like(rows, dtype=torch.bool)
        new = draw(logits, decoding, rng) if drawn is None else drawn.to(device)
        kept, visible, position = self._rows(cache, paths, decoding.max_tokens)
        del cache
        self._model.set_attn_implementation(ROWS)
        for n_tokens in range(1, decoding.max_tokens + 1):
            going &= ~torch.isin(new, self._ends)
            for row, token in zip(rows[going].tolist(), new[going].tolist(), strict=True):
                texts[row].append(token)
            if n_tokens == decoding.max_tokens or not going.any():
                break
            if going.float().mean() < 1 - ENDED:
                rows, new, visible, position = (x[going] for x in (rows, new, visible, position))
                for layer in kept.layers:
                    layer.keys, layer.values = layer.keys[going], layer.values[going]
                going = going[going]
            # Keys of a row end at one place, so that all new ones lie at the next.
            visible[..., kept.layers[0].cumulative_length] = 0
            output = self._model.base_model(
                input_ids=new[:, None],
                position_ids=position[:, None],
                past_key_values=kept,
                use_cache=True,
                visible=visible,
            )
            position = position + 1
            parts = self._logits(output.last_hidden_state[:, 0], None).split(DRAWN)
            new = torch.cat([draw(part, decoding, rng) for part in parts])
        return texts

    def _rows(
        self, cache: DynamicCache, paths: list[list[int]], n_new: int
    ) -> tuple[Cache, Tensor, Tensor]:
        """Keys and values of each prompt in a row, with room for n_new tokens.

        Returns:
            The cache; what a row may see of it, (B, 1, 1, L); the position of its next token, (B,).
        """
        device, longest = self._model.device, max(map(len, paths))
        places = torch.tensor([[0] * (longest - len(path)) + list(path) for path in paths])
        visible = torch.full((len(paths), 1, 1, longest + n_new), -torch.inf, device=device)
        for row, path in enumerate(paths):
            visible[row, ..., longest - len(path) : longest] = 0
        kept = Cache(layers=[StaticLayer(longest + n_new) for _ in cache.layers])
        for flat, layer in zip(cache.layers, kept.layers, strict=True):
            for part in ("keys", "values"):
                states = getattr(flat, part)[0][:, places.to(device)].transpose(0, 1)
                if part == "keys":
                    layer.lazy_initialization(states, states)
                getattr(layer, part)[:, :, :longest] = states
            layer.cumulative_length.fill_(longest)
        return kept, visible, torch.tensor([len(path) for path in paths], device=device)
