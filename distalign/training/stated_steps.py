"""Prompts of a step that state their targets, for the KL term alone: drawn anew for each step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from distalign.data.stated import draw_shares, state_twice, stated_prompt
from distalign.models.chat import chat_ids
from distalign.records.schemas import DatasetSpec, InputError
from distalign.records.stated import Stating

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STATEMENTS = 6
"""Of each question in a step; each stands there twice."""


class StatedSteps:
    """Some questions for each step, each with several statements, and each of these twice, with
    the categories' names exchanged (`distalign.data.stated.state_twice`).

    The phrasings widen from step to step, as their file says.

    Args:
        questions: prompts that state nothing.
        per_step: prompts a step, over all processes.
        n_steps: of the training.
        seed: of what is drawn, which depends on it and on the step alone.

    Raises:
        InputError: no question, or prompts that do not make pairs.
    """

    def __init__(
        self,
        tokenizer: "PreTrainedTokenizerBase",
        questions: Sequence[str],
        spec: DatasetSpec,
        stating: Stating,
        per_step: int,
        n_steps: int,
        seed: int,
    ) -> None:
        if not questions:
            raise InputError(
                f"{spec.name}: no training prompt is without a statement, which more are added to; "
                f"set targets.datasets.{spec.name}.stated.unstated in params.yaml above 0"
            )
        if per_step % 2:
            raise InputError(f"kl_rows = {per_step}: {spec.name} states each target twice: even")
        self._tokenizer, self._questions, self._spec = tokenizer, questions, spec
        self._stating, self._per_step = stating, per_step
        self._n_steps, self._seed = n_steps, seed

    def prompts(self, step: int) -> list[tuple[str, list[float]]]:
        """The prompts of a step, each with its target (K,)."""
        rng = np.random.default_rng([self._seed, step])
        phrasings = self._stating.phrasings.at(step / self._n_steps)
        attribute, question = self._spec.attribute, ""
        rows: list[tuple[str, list[float]]] = []
        for number in range(self._per_step // 2):
            if number % STATEMENTS == 0:
                question = self._questions[int(rng.integers(len(self._questions)))]
            shares = draw_shares(self._stating.alpha, len(attribute.categories), rng)
            said = state_twice(shares, attribute, phrasings, "train", rng)
            rows += [(stated_prompt(question, statement), target) for target, statement in said]
        return rows

    def at(self, step: int, process: int, n_processes: int) -> list[tuple[list[int], list[float]]]:
        """A process's prompts of a step, as token ids, each with its target (K,)."""
        rows = self.prompts(step)[process::n_processes]
        return [(chat_ids(self._tokenizer, prompt), target) for prompt, target in rows]
