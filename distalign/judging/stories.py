"""Read the category that each story shows, by the judge that params.yaml names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from distalign.judging import lexical, llm_judge
from distalign.judging.hedges import declines
from distalign.judging.llm_judge import StoryLabels
from distalign.judging.matching import fold
from distalign.llm.endpoint import EndpointParams, open_endpoint
from distalign.machine.precision import PrecisionParams
from distalign.records.schemas import Attribute, Judgement, Round

JudgeName = Literal["lexical", "llm"]


class JudgeParams(BaseModel):
    """The `judge` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    story: JudgeName
    """Who reads stories."""
    constrained: bool
    """Hold the LLM to the labels, which vLLM's endpoint can; others answer freely."""
    llm: EndpointParams


def read_stories(
    judge: JudgeName,
    texts: Sequence[str],
    attribute: Attribute,
    params: JudgeParams,
    base: Path,
    precision: PrecisionParams,
    store: Path,
) -> StoryLabels:
    """Label all texts.

    Args:
        base: folder of the base model that is served where `params.llm.model` is null.
        precision: in which it is served.
        store: folder that keeps the LLM's answers.

    Raises:
        InputError: the lexical judge cannot read the attribute, or the LLM keeps failing.
    """
    if judge == "lexical":
        return StoryLabels([lexical.read_story(text, attribute) for text in texts], 0)
    with open_endpoint(params.llm, base, precision, store) as endpoint:
        return llm_judge.judge_stories(texts, attribute, endpoint, params.constrained)


def judge_stories(
    rows: Sequence[Round],
    attribute: Attribute,
    params: JudgeParams,
    base: Path,
    precision: PrecisionParams,
    store: Path,
) -> list[Judgement]:
    """Judge rounds of the story setting; arguments and errors as for `read_stories`."""
    texts = [row.text for row in rows]
    labels = read_stories(params.story, texts, attribute, params, base, precision, store)
    return [
        Judgement(
            **row.model_dump(),
            category=category,
            refused=category is None and declines(fold(row.text)),
            judge=params.story,
        )
        for row, category in zip(rows, labels.categories, strict=True)
    ]
