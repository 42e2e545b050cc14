"""Sample one policy over grids of temperature, top-p and top-k (figures 4 and 6-10)."""

import shutil

from distalign.judging.words import judge_round
from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import read_policy
from distalign.records.files import read_jsonl, read_spec, write_json
from distalign.records.schemas import Judgement, Prompt
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
        metrics="JSON file with a row a point; empty if the method does not apply",
        provenance="JSON file for what the figures were made with",
    )
    # Slow to import: not before flags are read.
    from distalign.sampling.grids import SensitivityParams, grid_points
    from distalign.statistics.sensitivity import sensitivity_rows

    default, params = block(SampleParams, "sample"), block(SensitivityParams, "sensitivity")
    points = grid_points(params, default)
    spec, policy = read_spec(args.spec), read_policy(args.policy)
    if not is_applicable(policy.method, spec):
        write_json(args.metrics, [])
        write_provenance(args.provenance)
        return
    used = precision()
    prompts = read_jsonl(args.prompts, Prompt)
    who = policy_name(args.policy)
    inputs = [args.base, args.policy, args.spec, args.prompts]
    root = workspace_of(args.checkpoints / who, [default, params], used, args.seed, inputs)
    judged: dict[tuple[str, float], list[list[Judgement]]] = {}
    with open_workers(default, args.policy, args.base, spec, used) as draw:
        for (parameter, value), samples in points.items():
            judged[parameter, value] = []
            for sampled in samples:
                store = root / f"{parameter}_{value}_{sampled.seed}"
                shards = make_shards(spec, prompts, sampled, who, args.seed)
                rounds = draw_all(draw, shards, store)
                judged[parameter, value].append(
                    [judge_round(row, spec.attribute) for row in rounds]
                )
    write_json(args.metrics, sensitivity_rows(judged, spec))
    write_provenance(args.provenance, policy.trained, here(used))
    shutil.rmtree(root)


if __name__ == "__main__":
    run(main)
