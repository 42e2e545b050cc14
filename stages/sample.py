"""Draw N rounds a context from a method's policy (equations 10-11)."""

from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import read_policy
from distalign.records.files import read_spec, write_jsonl
from distalign.sampling.prompts import is_applicable
from distalign.sampling.rounds import SampleParams
from distalign.sampling.streams import policy_name
from distalign.sampling.ways import rounds_of
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
    files = args.policy, args.base, args.spec, args.prompts
    with rounds_of({"": params}, params, *files, who, args.seed, used, args.checkpoints) as drawn:
        write_jsonl(args.out, drawn[""])
        write_provenance(args.provenance, policy.trained, here(used))


if __name__ == "__main__":
    run(main)
