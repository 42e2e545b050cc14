"""Draw N rounds a context from a method's policy (equations 10-11)."""

from distalign.engines import open_policy
from distalign.policy import read_policy
from distalign.prompts import is_applicable
from distalign.records import Prompt, read_jsonl, read_spec, write_jsonl
from distalign.sampling import SampleParams, sample
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        seed="training seed of the policy",
        spec="data set specification",
        prompts="JSONL file of prompts, of which the test split is used",
        base="folder of the base model",
        policy="folder of the method's policy",
        out="JSONL file of rounds; empty where the method does not apply to the target",
    )
    params = block(SampleParams, "sample")
    spec, policy = read_spec(args.spec), read_policy(args.policy)
    if not is_applicable(policy.method, spec):
        write_jsonl(args.out, [])
        return
    prompts = read_jsonl(args.prompts, Prompt)
    with open_policy(params.engine, policy, args.policy, args.base) as (engine, tokenizer):
        rounds = sample(engine, tokenizer, policy, spec, prompts, params, args.seed)
    write_jsonl(args.out, rounds)


if __name__ == "__main__":
    run(main)
