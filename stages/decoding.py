"""Sample one policy in other ways, as params.yaml lists under decoding; judge and score each."""

from distalign.engines import open_policy
from distalign.judge import judge_round
from distalign.policy import read_policy
from distalign.prompts import is_applicable
from distalign.records import (
    InputError,
    Prompt,
    VariantJudgement,
    read_jsonl,
    read_spec,
    write_json,
    write_jsonl,
)
from distalign.sampling import DecodingParams, SampleParams, sample
from stages.cli import block, parse, run


def read_variants() -> dict[str, SampleParams]:
    """Every variant as a whole `sample` block.

    Raises:
        InputError: a variant is not valid, or asks for another engine.
    """
    default = block(SampleParams, "sample")
    variants = {
        name: block(SampleParams, "decoding", "variants", name, over=default)
        for name in block(DecodingParams, "decoding").variants
    }
    for name, params in variants.items():
        if params.engine != default.engine:
            raise InputError(
                f"params.yaml: decoding.variants.{name}.engine: all variants run on one engine; "
                "set sample.engine"
            )
    return variants


def main() -> None:
    args = parse(
        __doc__,
        seed="training seed of the policy",
        spec="data set specification",
        prompts="JSONL file of prompts, of which the test split is used",
        base="folder of the base model",
        policy="folder of the method's policy",
        out="JSONL file of judged rounds of all variants; empty if the method does not apply",
        metrics="JSON file of each variant's metrics",
    )
    from distalign.score import ScoreParams, cell_metrics  # slow to import: not before flags

    variants, score = read_variants(), block(ScoreParams, "score")
    spec, policy = read_spec(args.spec), read_policy(args.policy)
    prompts = read_jsonl(args.prompts, Prompt)
    judged: dict[str, list[VariantJudgement]] = {name: [] for name in variants}
    if is_applicable(policy.method, spec):
        engine_name = next(iter(variants.values())).engine
        with open_policy(engine_name, policy, args.policy, args.base) as (engine, tokenizer):
            for name, params in variants.items():
                rounds = sample(engine, tokenizer, policy, spec, prompts, params, args.seed)
                judgements = [judge_round(row, spec.attribute) for row in rounds]
                judged[name] = [
                    VariantJudgement(**row.model_dump(), variant=name) for row in judgements
                ]
    write_jsonl(args.out, [row for rows in judged.values() for row in rows])
    write_json(
        args.metrics, {name: cell_metrics(rows, spec, score) for name, rows in judged.items()}
    )


if __name__ == "__main__":
    run(main)
