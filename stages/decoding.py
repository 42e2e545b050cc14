"""Sample one policy in other ways, as params.yaml lists under decoding; judge and score each."""

import contextlib

from distalign.judging.words import judge_rounds
from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import read_policy
from distalign.records.files import read_spec, write_json, write_jsonl
from distalign.records.schemas import DecodingParams, InputError, VariantJudgement
from distalign.sampling.prompts import is_applicable
from distalign.sampling.rounds import SampleParams
from distalign.sampling.streams import policy_name
from distalign.sampling.ways import rounds_of
from stages.cli import block, parse, precision, run

SAME_ENGINES = ("engine", "workers", "tensor_parallel")


def read_variants() -> dict[str, SampleParams]:
    """Every variant as a whole `sample` block.

    Raises:
        InputError: a variant is not valid, or is to be drawn by other engines than the rest.
    """
    default = block(SampleParams, "sample")
    variants = {
        name: block(SampleParams, "decoding", "variants", name, over=default)
        for name in block(DecodingParams, "decoding").variants
    }
    for name, params in variants.items():
        for key in SAME_ENGINES:
            if getattr(params, key) != getattr(default, key):
                raise InputError(
                    f"params.yaml: decoding.variants.{name}.{key}: all variants are drawn by the "
                    "same engines; set it under sample"
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
        checkpoints="folder for rounds of unfinished runs",
        out="JSONL file of judged rounds of all variants; empty if the method does not apply",
        metrics="JSON file of each variant's metrics",
        provenance="JSON file for what the figures were made with",
    )
    # Slow to import: not before flags.
    from distalign.statistics.score import ScoreParams, cell_metrics

    variants, score = read_variants(), block(ScoreParams, "score")
    spec, policy = read_spec(args.spec), read_policy(args.policy)
    default, used = block(SampleParams, "sample"), precision()
    judged: dict[str, list[VariantJudgement]] = {name: [] for name in variants}
    files = args.policy, args.base, args.spec, args.prompts
    who = policy_name(args.policy)
    with contextlib.ExitStack() as kept:
        if is_applicable(policy.method, spec):
            asked = rounds_of(variants, default, *files, who, args.seed, used, args.checkpoints)
            for name, rounds in kept.enter_context(asked).items():
                judgements = judge_rounds(rounds, spec)
                judged[name] = [
                    VariantJudgement(**row.model_dump(), variant=name) for row in judgements
                ]
            write_provenance(args.provenance, policy.trained, here(used))
        else:
            write_provenance(args.provenance)
        write_jsonl(args.out, [row for rows in judged.values() for row in rows])
        write_json(
            args.metrics, {name: cell_metrics(rows, spec, score) for name, rows in judged.items()}
        )


if __name__ == "__main__":
    run(main)
