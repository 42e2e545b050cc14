"""Draw N rounds a context from a method's policy (equations 10-11)."""

import shutil

from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import read_policy
from distalign.records.files import read_jsonl, read_spec, write_jsonl
from distalign.records.schemas import Prompt
from distalign.records.workspace import workspace_of
from distalign.sampling.prompts import is_applicable
from distalign.sampling.rounds import SampleParams, make_shards
from distalign.sampling.streams import policy_name
from distalign.sampling.workers import draw_all, open_workers
from stages.cli import block, parse, precision, run


def main() -> None:
    args = parse(
        __doc__,
        seed="training seed of the policy",
        spec="data set specification",
        prompts="JSONL file of prompts, of which the test split is used",
        base="folder of the base model",
        policy="folder of the method's policy",
        checkpoints="folder for rounds of unfinished runs",
        out="JSONL file of rounds; empty where the method does not apply to the target",
        provenance="JSON file for what the figures were made with",
    )
    params = block(SampleParams, "sample")
    spec, policy = read_spec(args.spec), read_policy(args.policy)
    if not is_applicable(policy.method, spec):
        write_jsonl(args.out, [])
        write_provenance(args.provenance)
        return
    used = precision()
    who = policy_name(args.policy)
    shards = make_shards(spec, read_jsonl(args.prompts, Prompt), params, who, args.seed)
    inputs = [args.base, args.policy, args.spec, args.prompts]
    store = workspace_of(args.checkpoints / who, [params], used, args.seed, inputs)
    with open_workers(params, args.policy, args.base, spec, used) as draw:
        rounds = draw_all(draw, shards, store)
    write_jsonl(args.out, rounds)
    write_provenance(args.provenance, policy.trained, here(used))
    shutil.rmtree(store)


if __name__ == "__main__":
    run(main)
