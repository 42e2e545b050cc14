"""Train, sample, judge and score `ours` with steering tokens of another form (table 6)."""

import shutil

import numpy as np

from distalign.data.pair import reorder
from distalign.judging.words import judge_round
from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import LoraParams, read_policy
from distalign.records.files import read_jsonl, read_spec, write_json, write_jsonl
from distalign.records.requests import Request
from distalign.records.schemas import Preference, Prompt
from distalign.records.workspace import workspace_of
from distalign.sampling.rounds import SampleParams, make_shards
from distalign.sampling.workers import draw_all, open_workers
from distalign.training.methods import HybridParams, WarmupParams
from distalign.training.surface_forms import train_form
from stages.cli import block, parse, precision, run


def main() -> None:
    args = parse(
        __doc__,
        form="form of the steering tokens, a key of the attribute's `tokens`",
        seed="training seed",
        spec="data set specification",
        preferences="JSONL file of D_pref",
        validation="JSONL file of the validation prompts on which calibration is logged",
        requests="JSONL file of ordinary requests with the base model's answers",
        near_misses="JSONL file of requests beside the question, answered likewise",
        prompts="JSONL file of prompts, of which the test split is used",
        base="folder of the base model",
        checkpoints="folder for what an unfinished run has finished",
        out="JSONL file of judged rounds",
        metrics="JSON file of the cell's metrics",
        provenance="JSON file for what the figures were made with",
    )
    # Slow to import: not before flags are read.
    from transformers import AutoTokenizer

    from distalign.statistics.score import ScoreParams, cell_metrics

    warmup, ours = block(WarmupParams, "warmup"), block(HybridParams, "train", "ours")
    lora, params = block(LoraParams, "lora"), block(SampleParams, "sample")
    score, spec, used = block(ScoreParams, "score"), read_spec(args.spec), precision()
    warmup = warmup.model_copy(update={"steering": args.form})
    inputs = [args.base, args.preferences, args.requests, args.near_misses, args.prompts, args.spec]
    blocks = [warmup, ours, lora, params]
    store = workspace_of(args.checkpoints, blocks, used, args.seed, inputs)
    rows = read_jsonl(args.preferences, Preference)
    folder = train_form(
        args.form,
        warmup,
        ours,
        lora,
        args.base,
        AutoTokenizer.from_pretrained(args.base),
        reorder(rows, spec.categories, np.random.default_rng(args.seed)),
        read_jsonl(args.validation, Prompt),
        read_jsonl(args.requests, Request) + read_jsonl(args.near_misses, Request),
        spec,
        args.seed,
        used,
        store,
    )
    who = f"{args.base.name}/{args.preferences.parent.name}/{args.form}"
    shards = make_shards(spec, read_jsonl(args.prompts, Prompt), params, who, args.seed)
    with open_workers(params, folder, args.base, spec, used) as draw:
        rounds = draw_all(draw, shards, store / "rounds")
    judged = [judge_round(row, spec.attribute) for row in rounds]
    write_jsonl(args.out, judged)
    write_json(args.metrics, cell_metrics(judged, spec, score))
    write_provenance(args.provenance, read_policy(folder).trained, here(used))
    shutil.rmtree(store)


if __name__ == "__main__":
    run(main)
