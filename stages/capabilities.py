"""Measure what training did to a model's general capabilities (table 5)."""

import shutil

from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import check_base, merged, read_policy
from distalign.probing.capabilities import CapabilitiesParams, evaluate
from distalign.records.files import read_source, write_json
from distalign.records.workspace import workspace_of
from stages.cli import block, parse, precision, run


def main() -> None:
    args = parse(
        __doc__,
        tasks="folder with the project's own tasks for lm-evaluation-harness",
        base="folder of the base model",
        policy="folder of the method's policy",
        checkpoints="folder for answers of unfinished runs",
        out="JSON file to write",
        provenance="JSON file for what the figures were made with",
    )
    params, policy = block(CapabilitiesParams, "capabilities"), read_policy(args.policy)
    check_base(policy, read_source(args.base)["sha256"], args.policy)
    used = precision()
    inputs = [args.base, args.policy, args.tasks]
    store = workspace_of(args.checkpoints, [params], used, params.seed, inputs)
    with merged(policy, args.policy, args.base, used) as whole:
        write_json(args.out, evaluate(whole, args.tasks, params, used, store))
    write_provenance(args.provenance, policy.trained, here(used))
    shutil.rmtree(store)


if __name__ == "__main__":
    run(main)
