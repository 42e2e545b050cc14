"""Requests beside a data set's question, with the base model's answers."""

import numpy as np

from distalign.data.answers import answer
from distalign.data.requests import NearMissFile, RequestsParams, near_misses
from distalign.data.stated import draw_shares, state, stated_prompt
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
    if spec.stating is not None:
        # Else a statement itself would tell the policy that it is asked its question.
        rng, stating = np.random.default_rng([params.seed, STATED]), spec.stating
        for place in range(0, len(asked), 2):
            shares = draw_shares(stating.alpha, len(spec.categories), rng)
            split, prompt = asked[place].split, asked[place].prompt
            _, said = state(shares, spec.attribute, stating.phrasings, split, rng)
            asked[place] = asked[place]._replace(prompt=stated_prompt(prompt, said))
    from transformers import AutoTokenizer  # slow to import: not before flags are read

    tokenizer = AutoTokenizer.from_pretrained(args.base)
    engine = open_engine(params.engine, args.base, precision())
    write_jsonl(args.out, answer(engine, tokenizer, asked, params.max_tokens, params.seed))


if __name__ == "__main__":
    run(main)
