"""Make a method's policy: train its adapter, or describe a method that trains nothing."""

import shutil

import numpy as np

from distalign.data.pair import read_examples
from distalign.machine.provenance import here
from distalign.models.policy import LoraParams, Policy, copy_policy, read_policy, save_policy
from distalign.records.files import read_source, read_spec, write_text
from distalign.records.workspace import workspace_of
from distalign.training.methods import (
    DPOParams,
    HybridParams,
    IFTParams,
    MethodParams,
    PromptedParams,
    Untrained,
    WarmupParams,
    WarmupPolicyParams,
)
from distalign.training.own_warmup import warm_up
from distalign.training.run import train
from stages.cli import block, parse, precision, run


def main() -> None:
    args = parse(
        __doc__,
        method="name of the method in params.yaml",
        seed="training seed: initial weights, which rows are seen, and their order",
        spec="data set specification",
        preferences="JSONL file of D_pref",
        validation="JSONL file of the validation prompts on which calibration is logged",
        requests="JSONL file of ordinary requests with the base model's answers",
        near_misses="JSONL file of requests beside the question, answered likewise",
        base="folder of the base model",
        warmup="folder of the warm-up adapter",
        checkpoints="folder for checkpoints of unfinished runs",
        out="folder for the policy",
        log="CSV file for the training log",
    )
    params, lora = block(MethodParams, "train", args.method).root, block(LoraParams, "lora")
    policy = Policy(
        method=args.method,
        base_sha256=read_source(args.base)["sha256"],
        adapter=not isinstance(params, PromptedParams),
        steering=None,
        decoding="plain",
        trained=None,
    )
    if isinstance(params, Untrained):
        write_text(args.log, "step\n")
    if isinstance(params, PromptedParams):
        own = {"max_tokens": params.max_tokens, "decoding": params.decoding}
        save_policy(policy.model_copy(update=own), None, None, args.out)
        return
    if isinstance(params, WarmupPolicyParams):
        decoded = {"method": args.method, "decoding": params.decoding}
        copy_policy(read_policy(args.warmup).model_copy(update=decoded), args.warmup, args.out)
        return
    from transformers import AutoTokenizer  # slow to import: only where something is trained

    used = precision()
    policy = policy.model_copy(update={"trained": here(used)})
    start, tokenizer = None, AutoTokenizer.from_pretrained(args.base)
    spec = read_spec(args.spec).for_training()
    examples = read_examples(
        args.preferences,
        args.validation,
        [args.requests, args.near_misses],
        spec,
        np.random.default_rng(args.seed),
    )
    form = params.steering if isinstance(params, HybridParams) else None
    warmup_params = block(WarmupParams, "warmup").model_copy(update={"steering": form})
    files = [args.base, args.spec, args.warmup, args.preferences, args.requests, args.near_misses]
    blocks = [params, lora, *([warmup_params] if form else [])]
    workspace = workspace_of(args.checkpoints, blocks, used, args.seed, files)
    warmup = args.warmup
    if form is not None:
        shared = args.base, lora, tokenizer, examples, args.seed, used
        warmup = warm_up(warmup_params, *shared, workspace)
    if not isinstance(params, IFTParams):
        steering = read_policy(warmup).steering
        policy = policy.model_copy(update={"steering": steering, "decoding": params.decoding})
        tokenizer = AutoTokenizer.from_pretrained(warmup)
        if isinstance(params, DPOParams) or params.warmup:
            start = warmup
    model = train(
        params,
        args.base,
        start,
        lora,
        tokenizer,
        policy.steering,
        examples,
        args.seed,
        used,
        workspace / "training",
        args.log,
    )
    if model is not None:
        save_policy(policy, model, tokenizer, args.out)
        shutil.rmtree(workspace)


if __name__ == "__main__":
    run(main)
