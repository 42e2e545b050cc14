"""Which distribution does a model behind an OpenAI-compatible API answer in?

    export OPENAI_API_KEY=…
    make audit MODEL=gpt-5.1 DATASET=uk_real
    make audit MODEL=my-model BASE_URL=http://127.0.0.1:8000/v1 METHOD="zero_shot pe_explicit"

Nothing is trained and no model is loaded: wordings come from the attribute's grammar, rounds from
the API, their categories from the judge of short answers. It ends in a report as `make repro` does:
audits/<model>/report/results.html, with a page of every single round. With --plan it says what that
would cost, and asks nothing. An answer that came is kept, and never asked for again.
"""

import argparse
import re
import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path

from distalign.data.paraphrase import ParaphraseParams, paraphrase
from distalign.data.targets import JoinedParams, TargetsParams, dataset_spec
from distalign.judging.words import judge_rounds
from distalign.llm.endpoint import open_remote
from distalign.machine.provenance import Asked, CellProvenance, whom
from distalign.planning.bounds import address_faults
from distalign.planning.inputs import check_attribute, check_names
from distalign.records.files import write_json, write_jsonl
from distalign.records.schemas import DatasetSpec, InputError, Judgement
from distalign.report.cell_files import Folders, read_paper, read_results
from distalign.report.cells import UNTRAINED, Matrix
from distalign.report.comparisons import ReportParams
from distalign.report.written import write_report
from distalign.sampling.prompts import REJECTION, is_applicable
from distalign.sampling.remote import RemoteParams, draw_remote, forecast_remote, plan_remote
from distalign.sampling.rounds import SampleParams
from distalign.statistics.score import ScoreParams, cell_metrics
from distalign.training.methods import MethodParams, PromptedParams
from stages.cli import block, run

SETTING = "attribute"


def read_target(dataset: str, attributes: Path) -> DatasetSpec:
    """A data set of params.yaml. Raises InputError if there is none, or a file is not right."""
    params = block(TargetsParams, "targets")
    definition = params.dataset(dataset)
    if isinstance(definition, JoinedParams):
        raise InputError(
            f"{dataset}: a data set for one policy; audit its questions by themselves: "
            f"{', '.join(definition.joined)}"
        )
    attribute = check_attribute(attributes / f"{definition.attribute}.yaml")
    known = {definition.attribute: attribute}
    spec = dataset_spec(dataset, known, definition, Path(), params.max_contexts)
    asked = [context.subject for context in spec.contexts]
    check_names(attribute, asked, definition.contexts)
    return spec


def folder_name(model: str) -> str:
    """The model's name in paths, links and tables: a colon would end a link's scheme, and a dot
    names a question of a joined data set.
    """
    return re.sub(r"[^\w-]", "_", model.replace("/", "--"))


def check_folder(folder: Path, model: str, url: str) -> None:
    """Raises InputError where the folder has the results of another model, or of another server."""
    for path in sorted((folder / "metrics/provenance").rglob("*.json")):
        asked = CellProvenance.model_validate_json(path.read_text(encoding="utf-8")).asked
        if asked is not None and (asked.model, asked.url) != (model, url):
            raise InputError(
                f"{folder} has the results of {asked.model} at {asked.url}; name another folder "
                "with AUDITS= (--out)"
            )


def audit_matrix(model: str, datasets: list[str], methods: list[str]) -> Matrix:
    """The lists of a scale, of what is asked alone."""
    spanned = {"models": [folder_name(model)], "trainings": [UNTRAINED], "seeds": [0]}
    spanned |= {"base_models": spanned["models"]}
    spanned |= {"written": [SETTING], "settings": [SETTING]}
    spanned |= {"datasets": list(dict.fromkeys(datasets)), "methods": list(dict.fromkeys(methods))}
    empty: dict[str, list[str]] = dict.fromkeys(Matrix.model_fields.keys() - spanned.keys(), [])
    return Matrix(**empty | spanned | {"name": f"audit of {model}"})


def check_methods(matrix: Matrix, specs: Mapping[str, DatasetSpec]) -> dict[str, int | None]:
    """Method -> its longest response, if its block names one.

    Raises:
        InputError: a method trains a model, limits its tokens, asks again after an answer, or
            applies to none of the targets.
    """
    longest = {}
    for method in matrix.methods:
        params = block(MethodParams, "train", method).root
        if not isinstance(params, PromptedParams):
            raise InputError(f"{method} trains a model: an API's model can only be prompted")
        if params.decoding != "plain":
            raise InputError(f"{method} limits each token that is drawn, which no API lets it do")
        if method == REJECTION:
            raise InputError(f"{method} asks again after an answer, which an audit does not")
        if not any(is_applicable(method, spec) for spec in specs.values()):
            raise InputError(f"{method} does not apply to the target of {', '.join(specs)}")
        longest[method] = params.max_tokens
    return longest


def write_cell(
    folders: Folders, place: str, judged: list[Judgement], spec: DatasetSpec, asked: Asked
) -> None:
    """Write what the stages `judge` and `score` write of a cell, and whom was asked."""
    write_json(folders.targets / f"{spec.name}.json", spec.model_dump())
    write_jsonl(folders.judgements / f"{place}.jsonl", judged)
    metrics = cell_metrics(judged, spec, block(ScoreParams, "score"))
    write_json(folders.metrics / f"{place}.json", metrics)
    made = CellProvenance(trained=None, measured=None, asked=asked if judged else None)
    write_json(folders.metrics / f"provenance/{place}.json", made.model_dump())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="its name at the API")
    parser.add_argument("--dataset", required=True, nargs="+", help="data sets of params.yaml")
    parser.add_argument("--method", default=["zero_shot"], nargs="+", help="that train nothing")
    parser.add_argument("--base-url", help="instead of audit.base_url of params.yaml")
    parser.add_argument("--plan", action="store_true", help="say what it will take, ask nothing")
    parser.add_argument("--data", type=Path, default=Path("data"), help="attributes, paper")
    parser.add_argument("--store", type=Path, default=Path(".llm_store"), help="keeps answers")
    parser.add_argument("--out", type=Path, default=Path("audits"), help="folder of the results")
    args = parser.parse_args()
    if not args.model.strip():
        raise InputError("no model is named; name it as the API does: MODEL=gpt-5.1")
    remote = block(RemoteParams, "audit").model_copy(update={"model": args.model})
    for fault in address_faults("--base-url", args.base_url):
        raise InputError(fault)
    if args.base_url:
        remote = remote.model_copy(update={"base_url": args.base_url})
    sample, wordings = block(SampleParams, "sample"), block(ParaphraseParams, "paraphrase", SETTING)
    wordings = wordings.model_copy(update={"requests_per_wording": 0})
    matrix = audit_matrix(args.model, args.dataset, args.method)
    specs = {name: read_target(name, args.data / "attributes") for name in matrix.datasets}
    longest = check_methods(matrix, specs)
    out = args.out / matrix.models[0]
    names = ("metrics", "judgements", "targets", "report", "pages")
    folders = Folders(*(out / name for name in names))
    check_folder(out, args.model, remote.url)
    cells = list(product(specs.values(), matrix.methods))
    limits = {method: limit or sample.max_tokens[SETTING] for method, limit in longest.items()}
    with open_remote(remote, args.store) as endpoint:
        prompts = {
            name: paraphrase(spec, SETTING, wordings, endpoint) for name, spec in specs.items()
        }
        asked = {
            (spec.name, method): plan_remote(
                method, limits[method], spec, prompts[spec.name], sample, args.model, sample.seed
            )
            for spec, method in cells
            if is_applicable(method, spec)
        }
        over = []
        for (dataset, method), planned in asked.items():
            forecast = forecast_remote(endpoint, planned, remote.thinking_tokens)
            line = f"{args.model} at {remote.url}, {dataset}, {method}: {forecast}"
            if forecast.exceeds(remote.budget):
                line += f", over audit.budget, {remote.budget:,}"
                over.append(f"{dataset}, {method}: {forecast}")
            print(line, file=sys.stderr)
        if args.plan:
            return
        if over:
            raise InputError(
                f"{'; '.join(over)}, and audit.budget of params.yaml is {remote.budget:,}: nothing "
                "was asked; raise it, or lower sample.n or sample.max_tokens"
            )
        rounds = {
            (name, method): draw_remote(
                endpoint, planned, method, specs[name], f"{args.model} {name} {method}"
            )
            for (name, method), planned in asked.items()
        }
        source = whom(args.model, remote.url, endpoint.temperature)
    place = (matrix.models[0], UNTRAINED, SETTING)
    for spec, method in cells:
        rows = judge_rounds(rounds.get((spec.name, method), []), spec)
        write_cell(folders, "/".join([*place, spec.name, method, "0"]), rows, spec, source)
        valid, refused = sum(r.category is not None for r in rows), sum(r.refused for r in rows)
        print(f"{spec.name}, {method}: {len(rows)} rounds, {valid} valid, {refused} refused")
    results = [read_results(folders, matrix, place)]
    paper = read_paper(args.data / "paper/tables.csv")
    text, _ = write_report(results, matrix, block(ReportParams, "report"), paper, set(), folders)
    print(f"\n{text}")


if __name__ == "__main__":
    run(main)
