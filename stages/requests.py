"""Ordinary requests, written and the model's own, with the base model's answers."""

from distalign.data.answers import answer, ask_itself
from distalign.data.requests import OrdinaryFile, RequestsParams, own_requests, written_requests
from distalign.engines.opening import open_engine
from distalign.records.checked_yaml import read_yaml, validate
from distalign.records.files import write_jsonl
from stages.cli import block, parse, precision, run


def main() -> None:
    args = parse(
        __doc__,
        templates="YAML file of the written requests",
        base="folder of the base model",
        out="JSONL file of requests with their answers",
    )
    params = block(RequestsParams, "requests")
    asked = written_requests(
        validate(OrdinaryFile, read_yaml(args.templates), args.templates), params
    )
    from transformers import AutoTokenizer  # slow to import: not before flags are read

    tokenizer = AutoTokenizer.from_pretrained(args.base)
    engine = open_engine(params.engine, args.base, precision())
    own = ask_itself(engine, tokenizer, sum(params.own.values()), params.seed)
    asked += own_requests(own, params)
    write_jsonl(args.out, answer(engine, tokenizer, asked, params.max_tokens, params.seed))


if __name__ == "__main__":
    run(main)
