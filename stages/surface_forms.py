"""Train, sample, judge and score `ours` with steering tokens of another form (table 6)."""

import shutil

import numpy as np

from distalign.data.pair import read_examples
from distalign.judging.words import judge_round
from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import LoraParams, read_policy
from distalign.records.files import read_spec, write_json, write_jsonl
from distalign.records.workspace import workspace_of
from distalign.sampling.rounds import SampleParams
from distalign.sampling.ways import rounds_of
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
    folder = train_form(
        args.form,
        warmup,
        ours,
        lora,
        args.base,
        AutoTokenizer.from_pretrained(args.base),
        *read_examples(
            args.preferences,
            args.validation,
            [args.requests, args.near_misses],
            spec,
            np.random.default_rng(args.seed),
        ),
        spec,
        args.seed,
        used,
        store,
    )
    who = f"{args.base.name}/{args.preferences.parent.name}/{args.form}"
    files = folder, args.base, args.spec, args.prompts
    with rounds_of({"": params}, params, *files, who, args.seed, used, store) as drawn:
        judged = [judge_round(row, spec.attribute) for row in drawn[""]]
        write_jsonl(args.out, judged)
        write_json(args.metrics, cell_metrics(judged, spec, score))
        write_provenance(args.provenance, read_policy(folder).trained, here(used))
    shutil.rmtree(store)


if __name__ == "__main__":
    run(main)
