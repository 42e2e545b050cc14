"""Sample one policy in other ways, as params.yaml lists under decoding; judge and score each."""

import shutil

from distalign.judging.words import judge_round
from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import read_policy
from distalign.records.files import read_jsonl, read_spec, write_json, write_jsonl
from distalign.records.schemas import DecodingParams, InputError, Prompt, VariantJudgement
from distalign.records.workspace import workspace_of
from distalign.sampling.prompts import is_applicable
from distalign.sampling.rounds import SampleParams, make_shards
from distalign.sampling.streams import policy_name
from distalign.sampling.workers import draw_all, open_workers
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
    prompts = read_jsonl(args.prompts, Prompt)
    judged: dict[str, list[VariantJudgement]] = {name: [] for name in variants}
    default, used = block(SampleParams, "sample"), precision()
    who = policy_name(args.policy)
    inputs = [args.base, args.policy, args.spec, args.prompts]
    stores = {
        name: workspace_of(args.checkpoints / who, [params], used, args.seed, inputs)
        for name, params in variants.items()
    }
    trained = measured = None
    if is_applicable(policy.method, spec):
        with open_workers(default, args.policy, args.base, spec, used) as draw:
            for name, params in variants.items():
                shards = make_shards(spec, prompts, params, who, args.seed)
                rounds = draw_all(draw, shards, stores[name])
                judgements = [judge_round(row, spec.attribute) for row in rounds]
                judged[name] = [
                    VariantJudgement(**row.model_dump(), variant=name) for row in judgements
                ]
        trained, measured = policy.trained, here(used)
    write_jsonl(args.out, [row for rows in judged.values() for row in rows])
    write_json(
        args.metrics, {name: cell_metrics(rows, spec, score) for name, rows in judged.items()}
    )
    write_provenance(args.provenance, trained, measured)
    for store in stores.values():
        shutil.rmtree(store, ignore_errors=True)


if __name__ == "__main__":
    run(main)
