"""Sample one policy over grids of temperature, top-p and top-k (figures 4 and 6-10)."""

from distalign.judging.words import judge_rounds
from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import read_policy
from distalign.records.files import read_spec, write_json
from distalign.records.schemas import Judgement
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
    used, who = precision(), policy_name(args.policy)
    ways = {
        (point, sampled.seed): sampled for point, samples in points.items() for sampled in samples
    }
    files = args.policy, args.base, args.spec, args.prompts
    with rounds_of(ways, default, *files, who, args.seed, used, args.checkpoints) as drawn:
        judged: dict[tuple[str, float], list[list[Judgement]]] = {point: [] for point in points}
        for (point, _), rounds in drawn.items():
            judged[point].append(judge_rounds(rounds, spec))
        write_json(args.metrics, sensitivity_rows(judged, spec))
        write_provenance(args.provenance, policy.trained, here(used))


if __name__ == "__main__":
    run(main)
