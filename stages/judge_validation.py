"""Measure on labelled texts how well each judge reads an attribute from a story."""

from distalign.judging.stories import JudgeParams, read_stories
from distalign.judging.validation import (
    JudgeValidationParams,
    LabelledText,
    check_labels,
    validate_judge,
)
from distalign.machine.precision import PrecisionParams
from distalign.records.files import read_attribute, read_jsonl, write_json, write_jsonl
from distalign.records.schemas import Confusion
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        attribute="attribute definition",
        texts="JSONL file of labelled texts",
        llm="folder of the base model that is served where judge.llm.model is null",
        store="folder that keeps the LLM's answers",
        out="JSON file for each judge's accuracy, kappa and confusion matrix",
        confusion="JSONL file for the confusion matrices that correct shares",
    )
    validation = block(JudgeValidationParams, "judge_validation")
    params, precision = block(JudgeParams, "judge"), block(PrecisionParams, "precision")
    attribute = read_attribute(args.attribute)
    labelled = read_jsonl(args.texts, LabelledText, "correct the line")
    check_labels(labelled, attribute)
    texts = [row.text for row in labelled]
    categories = [category.name for category in attribute.categories]
    metrics: dict[str, float | int] = {}
    confusions: list[Confusion] = []
    for judge in validation.judges:
        read = read_stories(judge, texts, attribute, params, args.llm, precision, args.store)
        metrics[f"{judge}_n_unparseable"] = read.n_unparseable
        measured, confusion = validate_judge(
            judge, labelled, read.categories, categories, validation
        )
        metrics |= measured
        confusions.append(confusion)
    write_json(args.out, metrics)
    write_jsonl(args.confusion, confusions)


if __name__ == "__main__":
    run(main)
