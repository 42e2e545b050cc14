"""Ask a policy about contexts that it was not trained on (table 7); judge and score."""

import shutil

from distalign.judge import judge_round
from distalign.records import Prompt, read_jsonl, read_spec, write_json, write_jsonl
from distalign.sampling import SampleParams, make_shards
from distalign.workers import draw_all, open_workers
from distalign.workspace import workspace_of
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        seed="training seed of the policy",
        spec="specification of the data set that is asked about",
        prompts="JSONL file of its prompts, of which the test split is used",
        base="folder of the base model",
        policy="folder of the policy, trained on another data set of the same attribute",
        checkpoints="folder for rounds of unfinished runs",
        out="JSONL file of judged rounds",
        metrics="JSON file of the cell's metrics",
    )
    from distalign.score import ScoreParams, cell_metrics  # slow to import: not before flags

    params, score = block(SampleParams, "sample"), block(ScoreParams, "score")
    spec = read_spec(args.spec)
    shards = make_shards(spec, read_jsonl(args.prompts, Prompt), params, args.seed)
    inputs = [args.base, args.policy, args.spec, args.prompts]
    store = workspace_of(args.checkpoints, [params], args.seed, inputs)
    with open_workers(params.engine, args.policy, args.base, spec, params.workers) as draw:
        rounds = draw_all(draw, shards, store)
    judged = [judge_round(row, spec.attribute) for row in rounds]
    write_jsonl(args.out, judged)
    write_json(args.metrics, cell_metrics(judged, spec, score))
    shutil.rmtree(store)


if __name__ == "__main__":
    run(main)
