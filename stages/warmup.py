"""Instruction fine-tuning on [steering token; response]: what dpo and ours start from."""

import shutil

import numpy as np

from distalign.data.pair import read_examples
from distalign.machine.provenance import here
from distalign.models.policy import LoraParams, Policy, save_policy
from distalign.models.steering import resolve
from distalign.records.files import read_source, read_spec
from distalign.records.workspace import workspace_of
from distalign.training.methods import WarmupParams
from distalign.training.run import train
from stages.cli import block, parse, precision, run


def main() -> None:
    args = parse(
        __doc__,
        seed="training seed: initial weights, which rows are seen, and their order",
        spec="data set specification",
        preferences="JSONL file of D_pref",
        validation="JSONL file of the validation prompts on which calibration is logged",
        requests="JSONL file of ordinary requests with the base model's answers",
        near_misses="JSONL file of requests beside the question, answered likewise",
        base="folder of the base model",
        checkpoints="folder for checkpoints of unfinished runs",
        out="folder for the adapter",
        log="CSV file for the training log",
    )
    from transformers import AutoTokenizer  # slow to import: not before flags are read

    params, lora = block(WarmupParams, "warmup"), block(LoraParams, "lora")
    spec, used = read_spec(args.spec).for_training(), precision()
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    steering = resolve(tokenizer, spec.attribute, params.steering)
    files = [args.base, args.spec, args.preferences, args.requests, args.near_misses]
    workspace = workspace_of(args.checkpoints, [params, lora], used, args.seed, files)
    model = train(
        params,
        args.base,
        None,
        lora,
        tokenizer,
        steering,
        read_examples(
            args.preferences,
            args.validation,
            [args.requests, args.near_misses],
            spec,
            np.random.default_rng(args.seed),
        ),
        args.seed,
        used,
        workspace,
        args.log,
    )
    policy = Policy(
        method="warmup",
        base_sha256=read_source(args.base)["sha256"],
        adapter=True,
        steering=steering,
        decoding="two_step",
        trained=here(used),
    )
    if model is not None:
        save_policy(policy, model, tokenizer, args.out)
        shutil.rmtree(workspace)


if __name__ == "__main__":
    run(main)
