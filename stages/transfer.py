"""Ask a policy about contexts that it was not trained on (table 7); judge and score."""

from distalign.data.targets import TargetsParams, is_transfer
from distalign.judging.words import judge_rounds
from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import read_policy
from distalign.records.files import read_spec, write_json, write_jsonl
from distalign.sampling.rounds import SampleParams
from distalign.sampling.streams import policy_name
from distalign.sampling.ways import rounds_of
from stages.cli import block, parse, precision, run


def main() -> None:
    args = parse(
        __doc__,
        seed="training seed of the policy",
        trained="name of the data set that the policy was trained on",
        tested="name of the data set that is asked about",
        spec="its specification",
        prompts="JSONL file of its prompts, of which the test split is used",
        base="folder of the base model",
        policy="folder of the policy",
        checkpoints="folder for rounds of unfinished runs",
        out="JSONL file of judged rounds; empty for the same contexts, or another kind of target",
        metrics="JSON file of the cell's metrics",
        provenance="JSON file for what the figures were made with",
    )
    # Slow to import: not before flags.
    from distalign.statistics.score import ScoreParams, cell_metrics

    params, score = block(SampleParams, "sample"), block(ScoreParams, "score")
    spec = read_spec(args.spec)
    datasets = block(TargetsParams, "targets")
    if not is_transfer(datasets.dataset(args.trained), datasets.dataset(args.tested)):
        write_jsonl(args.out, [])
        write_json(args.metrics, cell_metrics([], spec, score))
        write_provenance(args.provenance)
        return
    used, policy = precision(), read_policy(args.policy)
    who = policy_name(args.policy)
    files = args.policy, args.base, args.spec, args.prompts
    with rounds_of({"": params}, params, *files, who, args.seed, used, args.checkpoints) as drawn:
        judged = judge_rounds(drawn[""], spec)
        write_jsonl(args.out, judged)
        write_json(args.metrics, cell_metrics(judged, spec, score))
        write_provenance(args.provenance, policy.trained, here(used))


if __name__ == "__main__":
    run(main)
