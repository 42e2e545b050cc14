"""Make a method's policy: train its adapter, or describe a method that trains nothing."""

from transformers import AutoTokenizer

from distalign.base_model import read_source
from distalign.policy import LoraParams, Policy, read_policy, save_policy
from distalign.records import Preference, Prompt, read_jsonl, read_spec, write_text
from distalign.run import train
from distalign.training import IFTParams, MethodParams, PromptedParams, workspace_of
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        method="name of the method in params.yaml",
        spec="data set specification",
        prompts="JSONL file of prompts (calibration is logged on the validation split)",
        preferences="JSONL file of D_pref",
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
    )
    if isinstance(params, PromptedParams):
        policy = policy.model_copy(update={"max_tokens": params.max_tokens})
        write_text(args.log, "step\n")
        save_policy(policy, None, None, args.out)
        return
    start = None if isinstance(params, IFTParams) else args.warmup
    if start is not None:
        steering = read_policy(start).steering
        policy = policy.model_copy(update={"steering": steering, "decoding": params.decoding})
    tokenizer = AutoTokenizer.from_pretrained(start or args.base)
    model = train(
        params,
        args.base,
        start,
        lora,
        tokenizer,
        policy.steering,
        read_jsonl(args.preferences, Preference),
        read_jsonl(args.prompts, Prompt),
        read_spec(args.spec),
        workspace_of(args.checkpoints, [params, lora], [args.base, args.warmup, args.preferences]),
        args.log,
    )
    save_policy(policy, model, tokenizer, args.out)


if __name__ == "__main__":
    run(main)
