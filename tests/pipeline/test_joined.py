"""One policy for three questions, through every stage on tiny parameters.

Once with targets of their own, once with targets that the prompts state.
"""

import json
from pathlib import Path

import pytest

from distalign.models.policy import read_policy
from distalign.records.files import read_jsonl, read_spec
from distalign.records.schemas import Judgement
from distalign.report.cells import display
from distalign.report.page import escape_markdown
from tests.support.tiny_pipeline import make_tiny, run, tiny_params, tiny_scale, write_yaml

PARTS = {
    "three": ["uk_real", "race_even", "sentiment_even"],
    "three_stated": ["gender_stated", "race_stated", "sentiment_stated"],
}
STATED = pytest.mark.slow
PLACE = Path("smollm2-135m/attribute")


@pytest.fixture(scope="module", params=["three", pytest.param("three_stated", marks=STATED)])
def dataset(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def repo(dataset: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which the joined data set was run; the grammar alone has written its data."""
    folder = tmp_path_factory.mktemp("joined")
    make_tiny(folder)
    params, lists = tiny_params(), {"datasets": [dataset], "methods": ["ours"]}
    for part in params["targets"]["datasets"]["three_stated"]["joined"].values():
        part["stated"]["targets_per_context"] = 1
    params["paraphrase"]["attribute"]["requests_per_wording"] = 0
    params["synthesize"]["attribute"]["requests_per_response"] = 0
    empty = {key: [] for key in ("decoding_methods", "sensitivity_methods", "internal_methods")}
    write_yaml(folder / "params.yaml", params)
    write_yaml(folder / "scale.yaml", tiny_scale() | lists | empty)
    run("dvc", "repro", cwd=folder)
    return folder


def test_each_question_has_its_own_score(repo: Path, dataset: str) -> None:
    path = repo / "metrics" / PLACE / f"attribute/{dataset}/ours/0.json"
    scores = json.loads(path.read_text(encoding="utf-8"))
    assert sorted(scores) == sorted(PARTS[dataset])
    for score in scores.values():
        assert score["n_rounds"] == 3 * 8
        assert 0 < score["steering_mass"] <= 1
    # What stands on the tokens of other questions lacks in the mass of each.
    judged = read_jsonl(
        repo / "data/judgements" / PLACE / f"attribute/{dataset}/ours/0.jsonl", Judgement
    )
    whole = sum(row.mass for row in judged) / len(judged)
    assert sum(score["steering_mass"] for score in scores.values()) / 3 <= whole + 1e-6


def test_the_policy_has_a_token_for_every_category(repo: Path, dataset: str) -> None:
    policy = read_policy(repo / "models/policy" / PLACE / f"{dataset}/ours/0")
    spec = read_spec(repo / f"data/targets/{dataset}.json")
    assert len(spec.categories) == 10
    assert policy.steering.tokens == [str(number) for number in range(10)]
    assert sorted(part.name for part in spec.parts) == sorted(PARTS[dataset])


def test_the_report_shows_each_question(repo: Path, dataset: str) -> None:
    report = repo / "report/default"
    text = (report / "results.md").read_text(encoding="utf-8")
    for part in PARTS[dataset]:
        assert escape_markdown(f"{display(part)} ({dataset})") in text
    for part in PARTS[dataset]:
        name = f"smollm2-135m_attribute_attribute_{dataset}.{part}"
        assert (report / f"{name}.html").is_file()
        pages = repo / "data/pages/default" / PLACE / "attribute"
        assert (pages / f"{dataset}.{part}/ours/0.html").is_file()


def test_what_is_kept_is_measured_of_all_questions(repo: Path, dataset: str) -> None:
    path = repo / "metrics/retention" / PLACE / f"{dataset}/ours/0.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["n_near_miss"] > 3  # of one question alone there are three
    assert kept["kl_near_miss"] > 0
