"""Requests beside a data set's question, with the base model's answers."""

import numpy as np

from distalign.data.answers import answer
from distalign.data.requests import NearMissFile, RequestsParams, near_misses, state_half
from distalign.engines.opening import open_engine
from distalign.records.checked_yaml import read_yaml, validate
from distalign.records.files import read_spec, write_jsonl
from distalign.records.joined import questions
from stages.cli import block, parse, precision, run

STATED = 2
"""Its stream of random numbers, beside those of the requests."""


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        templates="YAML file of near misses, which may hold {context}",
        base="folder of the base model",
        out="JSONL file of requests with their answers",
    )
    params = block(RequestsParams, "requests")
    file = validate(NearMissFile, read_yaml(args.templates), args.templates)
    spec = read_spec(args.spec).for_training()
    asked = near_misses(file, questions(spec), params)
    stated = [part for part in questions(spec) if part.stating is not None]
    if stated:
        asked = state_half(asked, stated, np.random.default_rng([params.seed, STATED]))
    from transformers import AutoTokenizer  # slow to import: not before flags are read

    tokenizer = AutoTokenizer.from_pretrained(args.base)
    engine = open_engine(params.engine, args.base, precision())
    write_jsonl(args.out, answer(engine, tokenizer, asked, params.max_tokens, params.seed))


if __name__ == "__main__":
    run(main)
