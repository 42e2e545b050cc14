"""Measure what training did to a model's general capabilities (table 5)."""

from distalign.base_model import read_source
from distalign.capabilities import CapabilitiesParams, evaluate
from distalign.policy import check_base, merged, read_policy
from distalign.records import write_json
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        tasks="folder with the project's own tasks for lm-evaluation-harness",
        base="folder of the base model",
        policy="folder of the method's policy",
        out="JSON file to write",
    )
    params, policy = block(CapabilitiesParams, "capabilities"), read_policy(args.policy)
    check_base(policy, read_source(args.base)["sha256"], args.policy)
    with merged(policy, args.policy, args.base) as whole:
        write_json(args.out, evaluate(whole, args.tasks, params))


if __name__ == "__main__":
    run(main)
