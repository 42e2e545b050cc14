"""Rows of the base model's own answers that a training step holds: what it must not change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

from distalign.models.chat import chat_ids
from distalign.models.forward import Completions, Row, completion_logits
from distalign.records.requests import Request
from distalign.records.schemas import Preference, Split
from distalign.training.objective import retention_loss
from distalign.training.step_rows import OfSteps, StepRows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

T = TypeVar("T")


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
        rows: prompts and the base model's answers, as token ids, of each step.
        weight: of the loss beside the method's own.
    """

    def __init__(self, rows: StepRows[Row], weight: float) -> None:
        self.rows, self._weight = rows, weight

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


class Retaining:
    """A trainer whose steps also hold the base model's answers, if it was given any."""

    retention: Retention | None = None
    # Of the trainer that it is mixed into.
    model: Any
    accelerator: Any
    state: Any
    _metrics: Any

    def _at(self, rows: OfSteps[T] | None) -> list[T]:
        """This process's rows of the step; none where it holds none, or measures."""
        if rows is None or not self.model.training:
            return []
        accelerator = self.accelerator
        step, n_processes = self.state.global_step, accelerator.num_processes
        return list(rows.at(step, accelerator.process_index, n_processes))

    def _kept(self) -> list[Row]:
        return self._at(self.retention.rows if self.retention else None)

    def _retained(self, model: Any, kept: list[Row], scored: Completions) -> Tensor | float:
        if self.retention is None or not kept:
            return 0.0
        loss = self.retention.loss(model, kept, scored.kept_logits)
        self._metrics["train"]["retention"].append(loss.item())
        return loss
