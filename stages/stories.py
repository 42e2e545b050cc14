"""Correct a cell of stories for its judge's errors, and measure the state of the language."""

import math

from distalign.machine.provenance import here, write_provenance
from distalign.records.files import read_jsonl, read_spec, write_json
from distalign.records.schemas import Judgement
from stages.cli import block, parse, precision, run


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        judgements="JSONL file with the cell's judged stories",
        confusions="folder with each attribute's confusion matrices",
        base="folder of the base model, whose perplexity is measured",
        out="JSON file to write",
        provenance="JSON file for what the perplexity was measured with",
    )
    # Slow to import: not before flags are read.
    from transformers import AutoTokenizer

    from distalign.models.policy import load_base
    from distalign.probing.perplexity import perplexity
    from distalign.records.schemas import Confusion
    from distalign.statistics.story_metrics import StoriesParams, story_metrics

    params, spec = block(StoriesParams, "stories"), read_spec(args.spec)
    judgements = read_jsonl(args.judgements, Judgement)
    confusions = read_jsonl(args.confusions / f"{spec.attribute.name}.jsonl", Confusion)
    metrics = story_metrics(judgements, spec, confusions, params)
    made = None
    if judgements:
        used = precision()
        tokenizer = AutoTokenizer.from_pretrained(args.base)
        base = load_base(args.base, used)
        measured = perplexity(base, tokenizer, judgements, params.perplexity_rounds)
        metrics["perplexity"] = None if math.isnan(measured) else round(measured, 6)
        made = here(used)
    write_json(args.out, metrics)
    write_provenance(args.provenance, measured=made)


if __name__ == "__main__":
    run(main)
