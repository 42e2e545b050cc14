"""Prompts of a step that state their targets, for the KL term alone: drawn anew for each step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from distalign.data.stated import draw_shares, state_twice, stated_prompt
from distalign.models.chat import chat_ids
from distalign.records.joined import padded
from distalign.records.schemas import DatasetSpec, InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STATEMENTS = 6
"""Of each question in a step; each stands there twice."""


class Unstated(NamedTuple):
    """Prompts about one question that state nothing, for statements to be added to."""

    spec: DatasetSpec
    """Of that question; its `stating` is there."""
    prompts: Sequence[str]


class StatedSteps:
    """Some prompts for each step, each with several statements, and each of these twice, with
    the categories' names exchanged (`distalign.data.stated.state_twice`).

    The phrasings widen from step to step, as their file says. The questions of a joined data set
    take turns.

    Args:
        asked: of each question of the data set.
        categories: of the data set, over which targets are.
        per_step: prompts a step, over all processes.
        n_steps: of the training.
        seed: of what is drawn, which depends on it and on the step alone.

    Raises:
        InputError: a question without prompts, or prompts that do not make pairs.
    """

    def __init__(
        self,
        tokenizer: "PreTrainedTokenizerBase",
        asked: Sequence[Unstated],
        categories: Sequence[str],
        per_step: int,
        n_steps: int,
        seed: int,
    ) -> None:
        for spec, prompts in asked:
            if not prompts:
                raise InputError(
                    f"{spec.name}: no training prompt is without a statement, which more are added "
                    f"to; set stated.unstated of {spec.name} (targets.datasets in params.yaml) "
                    "above 0"
                )
        if per_step % 2:
            raise InputError(f"kl_rows = {per_step}: a target is stated twice, so take an even one")
        self._tokenizer, self._asked, self._categories = tokenizer, asked, categories
        self._per_step, self._n_steps, self._seed = per_step, n_steps, seed

    def prompts(self, step: int) -> list[tuple[str, list[float]]]:
        """The prompts of a step, each with its target (K,)."""
        rng = np.random.default_rng([self._seed, step])
        pairs = self._per_step // 2
        turn = step * -(-pairs // STATEMENTS)
        rows: list[tuple[str, list[float]]] = []
        for number in range(pairs):
            spec, questions = self._asked[(turn + number // STATEMENTS) % len(self._asked)]
            if number % STATEMENTS == 0:
                question = questions[int(rng.integers(len(questions)))]
            rows += self._twice(question, spec, step, rng)
        return rows

    def _twice(
        self, question: str, spec: DatasetSpec, step: int, rng: np.random.Generator
    ) -> list[tuple[str, list[float]]]:
        assert spec.stating is not None
        shares = draw_shares(spec.stating.alpha, len(spec.categories), rng)
        phrasings = spec.stating.phrasings.at(step / self._n_steps)
        return [
            (stated_prompt(question, said), padded(target, spec.categories, self._categories))
            for target, said in state_twice(shares, spec.attribute, phrasings, "train", rng)
        ]

    def at(self, step: int, process: int, n_processes: int) -> list[tuple[list[int], list[float]]]:
        """A process's prompts of a step, as token ids, each with its target (K,)."""
        rows = self.prompts(step)[process::n_processes]
        return [(chat_ids(self._tokenizer, prompt), target) for prompt, target in rows]
