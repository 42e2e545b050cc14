"""Which distribution does a model behind an OpenAI-compatible API answer in?

    export OPENAI_API_KEY=…
    make audit MODEL=gpt-5.1 DATASET=uk_real
    make audit MODEL=my-model BASE_URL=http://127.0.0.1:8000/v1 METHOD=pe_explicit

Nothing is trained and no model is loaded: wordings come from the attribute's grammar, rounds from
the API, their categories from the judge of short answers. With --plan it says what that would
cost, and asks nothing. An answer that came is kept, and never asked for again.
"""

import argparse
import sys
from pathlib import Path

from distalign.data.paraphrase import ParaphraseParams, paraphrase
from distalign.data.targets import TargetsParams, build_spec
from distalign.judging.words import judge_round
from distalign.llm.endpoint import open_remote
from distalign.planning.bounds import address_faults
from distalign.records.files import read_attribute, write_json, write_jsonl
from distalign.records.schemas import DatasetSpec, InputError, Judgement
from distalign.sampling.prompts import is_applicable
from distalign.sampling.remote import RemoteParams, draw_remote, forecast_remote, plan_remote
from distalign.sampling.rounds import SampleParams
from distalign.statistics.score import ScoreParams, cell_metrics, context_table
from distalign.training.methods import MethodParams, PromptedParams
from stages.cli import block, run

SETTING = "attribute"


def read_target(dataset: str, attributes: Path) -> DatasetSpec:
    """A data set of params.yaml. Raises InputError if there is none, or a file is not right."""
    params = block(TargetsParams, "targets")
    definition = params.dataset(dataset)
    attribute = read_attribute(attributes / f"{definition.attribute}.yaml")
    contexts = Path(definition.contexts)
    return build_spec(dataset, attribute, contexts, definition.target, params.max_contexts)


def prompted(method: str, spec: DatasetSpec) -> PromptedParams:
    """Raises InputError for a method that trains, or that does not apply to the target."""
    params = block(MethodParams, "train", method).root
    if not isinstance(params, PromptedParams):
        raise InputError(f"{method} trains a model: an API's model can only be prompted")
    if not is_applicable(method, spec):
        raise InputError(f"{method} does not apply to the target of {spec.name}")
    return params


def describe(judged: list[Judgement], spec: DatasetSpec, score: ScoreParams) -> str:
    """The figures of an audit as lines: all contexts, then each with target and shares."""
    metrics = cell_metrics(judged, spec, score)
    refused = sum(row.refused for row in judged)
    lines = [f"{len(judged)} rounds, {metrics['n_valid']} valid, {refused} refused"]
    if metrics["mae"] is not None:
        interval = f"[{metrics['mae_t_low']}, {metrics['mae_t_high']}]"
        lines.append(f"MAE {metrics['mae']} {interval}; a perfect sampler's: {metrics['floor']}")
    table = context_table(judged, spec)
    for context, rows in table.groupby("context", sort=False):
        shares = ", ".join(
            f"{row.category} {row.observed:.2f} ({row.target:.2f})" for row in rows.itertuples()
        )
        lines.append(f"  {context}: {shares}")
    return "\n".join([*lines, "Shares of the valid answers; targets in brackets."])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="its name at the API")
    parser.add_argument("--dataset", required=True, help="a data set of params.yaml")
    parser.add_argument("--method", default="zero_shot", help="one that trains nothing")
    parser.add_argument("--base-url", help="instead of audit.base_url of params.yaml")
    parser.add_argument("--plan", action="store_true", help="say what it will take, ask nothing")
    parser.add_argument("--attributes", type=Path, default=Path("data/attributes"))
    parser.add_argument("--store", type=Path, default=Path(".llm_store"), help="keeps answers")
    parser.add_argument("--out", type=Path, default=Path("audits"), help="folder of the results")
    args = parser.parse_args()
    remote = block(RemoteParams, "audit").model_copy(update={"model": args.model})
    for fault in address_faults("--base-url", args.base_url):
        raise InputError(fault)
    if args.base_url:
        remote = remote.model_copy(update={"base_url": args.base_url})
    sample, score = block(SampleParams, "sample"), block(ScoreParams, "score")
    spec = read_target(args.dataset, args.attributes)
    limit = prompted(args.method, spec).max_tokens or sample.max_tokens[SETTING]
    wordings = block(ParaphraseParams, "paraphrase", SETTING)
    wordings = wordings.model_copy(update={"requests_per_wording": 0})
    with open_remote(remote, args.store) as endpoint:
        prompts = paraphrase(spec, SETTING, wordings, endpoint)
        asked = plan_remote(args.method, limit, spec, prompts, sample, remote, sample.seed)
        forecast = forecast_remote(endpoint, [item.request for item in asked], remote)
        print(f"{args.model} at {remote.url}: {forecast}", file=sys.stderr)
        if args.plan:
            return
        rounds = draw_remote(
            endpoint, args.method, limit, spec, prompts, sample, remote, sample.seed
        )
    judged = [judge_round(row, spec.attribute) for row in rounds]
    folder = args.out / args.model.replace("/", "--") / args.dataset / args.method
    folder.mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / "judgements.jsonl", judged)
    write_json(folder / "metrics.json", cell_metrics(judged, spec, score))
    context_table(judged, spec).to_csv(folder / "contexts.csv", index=False)
    write_json(folder / "params.json", {"audit": remote.model_dump(), "url": remote.url})
    print(describe(judged, spec, score))
    print(f"In {folder}: every answer, what was read from it, and the figures.")


if __name__ == "__main__":
    run(main)
