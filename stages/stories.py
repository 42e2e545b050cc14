"""Correct a cell of stories for its judge's errors, and measure the state of the language."""

import math

from distalign.records import Judgement, read_jsonl, read_spec, write_json
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        judgements="JSONL file with the cell's judged stories",
        confusions="folder with each attribute's confusion matrices",
        base="folder of the base model, whose perplexity is measured",
        out="JSON file to write",
    )
    # Slow to import: not before flags are read.
    from transformers import AutoTokenizer

    from distalign.judge_validation import Confusion
    from distalign.perplexity import perplexity
    from distalign.policy import load_base
    from distalign.story_metrics import StoriesParams, story_metrics

    params, spec = block(StoriesParams, "stories"), read_spec(args.spec)
    judgements = read_jsonl(args.judgements, Judgement)
    confusions = read_jsonl(args.confusions / f"{spec.attribute.name}.jsonl", Confusion)
    metrics = story_metrics(judgements, spec, confusions, params)
    if judgements:
        tokenizer = AutoTokenizer.from_pretrained(args.base)
        base = load_base(args.base)
        measured = perplexity(base, tokenizer, judgements, params.perplexity_rounds)
        metrics["perplexity"] = None if math.isnan(measured) else round(measured, 6)
    write_json(args.out, metrics)


if __name__ == "__main__":
    run(main)
