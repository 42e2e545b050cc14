"""Rows of the base model's own answers that a training step holds: what it must not change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from distalign.models.chat import chat_ids
from distalign.models.forward import Row, completion_logits
from distalign.records.requests import Request
from distalign.records.schemas import Preference, Split
from distalign.training.objective import retention_loss

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def answered_rows(tokenizer: "PreTrainedTokenizerBase", requests: Sequence[Request]) -> list[Row]:
    """Token ids of each request and its answer; of an answer that ended, its end as well."""
    ends = [tokenizer.eos_token_id]
    rows = []
    for request in requests:
        answer = tokenizer(request.answer, add_special_tokens=False)["input_ids"]
        rows.append((chat_ids(tokenizer, request.prompt), answer + ends * request.ended))
    return [row for row in rows if row[1]]


def to_hold(requests: Sequence[Request], rows: Sequence[Preference], split: Split) -> list[Request]:
    """The requests of a split that are no question of the training's own settings."""
    trained = {row.setting for row in rows}
    return [row for row in requests if row.split == split and not trained.intersection(row.asks)]


class Retention:
    """The rows of each step, and their loss.

    Args:
        rows: prompts and the base model's answers, as token ids.
        per_step: rows a step, over all processes.
        weight: of the loss beside the method's own.
        seed: of the rows' order, another in every pass over them.
    """

    def __init__(self, rows: Sequence[Row], per_step: int, weight: float, seed: int) -> None:
        self._rows, self._per_step, self._weight, self._seed = rows, per_step, weight, seed

    def at(self, step: int, process: int, n_processes: int) -> list[Row]:
        """A process's rows of a step: they depend on the step alone, so that a resumed run goes on
        with those that it had next.
        """
        places = range(step * self._per_step + process, (step + 1) * self._per_step, n_processes)
        return [self._rows[self._place(place)] for place in places]

    def _place(self, number: int) -> int:
        turn, place = divmod(number, len(self._rows))
        return int(np.random.default_rng([self._seed, turn]).permutation(len(self._rows))[place])

    def loss(self, model: Any, rows: Sequence[Row], logits: Tensor) -> Tensor:
        """Weighted `retention_loss` of the step's rows, a scalar.

        Args:
            model: with the adapter; the base model is this one without it.
            logits: (N, V) that the policy predicts the rows' answers with.
        """
        peft = getattr(model, "module", model)
        with torch.no_grad(), peft.disable_adapter():
            base_logits = completion_logits(peft, rows)
        lengths = torch.tensor([len(answer) for _, answer in rows])
        first = torch.zeros(int(lengths.sum()), dtype=torch.bool)
        first[lengths.cumsum(0) - lengths] = True
        return self._weight * retention_loss(logits, base_logits, first.to(logits.device))
