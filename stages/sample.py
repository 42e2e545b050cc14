"""Draw N rounds a context from a method's policy (equations 10-11)."""

from distalign.base_model import read_source
from distalign.engines import open_engine
from distalign.policy import check_base, merged, read_policy
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
    from transformers import AutoTokenizer  # slow to import: not before flags are read

    params = block(SampleParams, "sample")
    spec, policy = read_spec(args.spec), read_policy(args.policy)
    check_base(policy, read_source(args.base)["sha256"], args.policy)
    if not is_applicable(policy.method, spec):
        write_jsonl(args.out, [])
        return
    prompts = read_jsonl(args.prompts, Prompt)
    with merged(policy, args.policy, args.base) as folder:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        engine = open_engine(params.engine, folder)
        rounds = sample(engine, tokenizer, policy, spec, prompts, params, args.seed)
    write_jsonl(args.out, rounds)


if __name__ == "__main__":
    run(main)
