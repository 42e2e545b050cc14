"""Names of 10,000 characters go through the models too: written, trained on and sampled."""

import csv
import json
from pathlib import Path

import pytest

from tests.support.tiny_pipeline import commit, make_tiny, run, tiny_params, tiny_scale, write_yaml

NAMES = ["x" * 10_000, ("long name " * 1_000).strip(), "مهندسون", 'Zoë’s "keepers"\nof a | b']
CELL = "smollm2-135m/attribute/attribute/odd"


@pytest.mark.slow
def test_names_of_any_length_are_trained_on_and_sampled(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    make_tiny(folder)
    with (folder / "data/census/odd.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["occupation", "male_count", "female_count"])
        rows.writerows([name, 1, 3] for name in NAMES)
    params = tiny_params()
    params["targets"]["max_contexts"] = len(NAMES)
    dataset = {"attribute": "gender", "contexts": "data/census/odd.csv", "target": "real"}
    params["targets"]["datasets"]["odd"] = dataset
    params["warmup"]["rows"] = params["train"]["ours"]["rows"] = 8
    params["sample"]["n"] = 4
    write_yaml(folder / "params.yaml", params)
    lists = {"datasets": ["odd"], "decoding_methods": [], "sensitivity_methods": []}
    write_yaml(folder / "scale.yaml", tiny_scale() | lists | {"internal_methods": []})
    commit(folder, "code")
    run("dvc", "repro", cwd=folder)
    for method in ("zero_shot", "ours"):
        text = (folder / "metrics" / CELL / method / "0.json").read_text(encoding="utf-8")
        assert json.loads(text)["n_rounds"] == 4 * len(NAMES)
    rounds = folder / "data/rounds" / CELL / "ours/0.jsonl"
    rows = [json.loads(line) for line in rounds.read_text(encoding="utf-8").splitlines()]
    assert {row["context"] for row in rows} == set(NAMES)
    assert all(0 < row["mass"] <= 1 for row in rows)
    assert (folder / "report/default/results.html").is_file()
