"""Requests beside a data set's question, with the base model's answers."""

from distalign.data.answers import answer
from distalign.data.requests import NearMissFile, RequestsParams, near_misses
from distalign.engines.opening import open_engine
from distalign.records.checked_yaml import read_yaml, validate
from distalign.records.files import read_spec, write_jsonl
from distalign.records.joined import questions
from stages.cli import block, parse, precision, run


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
    asked = near_misses(file, questions(read_spec(args.spec).for_training()), params)
    from transformers import AutoTokenizer  # slow to import: not before flags are read

    tokenizer = AutoTokenizer.from_pretrained(args.base)
    engine = open_engine(params.engine, args.base, precision())
    write_jsonl(args.out, answer(engine, tokenizer, asked, params.max_tokens, params.seed))


if __name__ == "__main__":
    run(main)
