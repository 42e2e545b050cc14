"""Ask a policy about contexts that it was not trained on (table 7); judge and score."""

from distalign.engines import open_policy
from distalign.judge import judge_round
from distalign.policy import read_policy
from distalign.records import Prompt, read_jsonl, read_spec, write_json, write_jsonl
from distalign.sampling import SampleParams, sample
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        seed="training seed of the policy",
        spec="specification of the data set that is asked about",
        prompts="JSONL file of its prompts, of which the test split is used",
        base="folder of the base model",
        policy="folder of the policy, trained on another data set of the same attribute",
        out="JSONL file of judged rounds",
        metrics="JSON file of the cell's metrics",
    )
    from distalign.score import ScoreParams, cell_metrics  # slow to import: not before flags

    params, score = block(SampleParams, "sample"), block(ScoreParams, "score")
    spec, policy = read_spec(args.spec), read_policy(args.policy)
    prompts = read_jsonl(args.prompts, Prompt)
    with open_policy(params.engine, policy, args.policy, args.base) as (engine, tokenizer):
        rounds = sample(engine, tokenizer, policy, spec, prompts, params, args.seed)
    judged = [judge_round(row, spec.attribute) for row in rounds]
    write_jsonl(args.out, judged)
    write_json(args.metrics, cell_metrics(judged, spec, score))


if __name__ == "__main__":
    run(main)
