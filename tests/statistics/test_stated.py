import numpy as np
import pandas as pd
import pytest

from distalign.data.targets import TargetsParams, dataset_spec
from distalign.records.files import read_attribute
from distalign.statistics.stated import calibration_curve, phrasing_errors, phrasing_table
from stages.cli import block
from tests.support.paths import ROOT

TABLE = pd.DataFrame(
    {
        "context": ["a", "a", "b", "b", "c", "c"],
        "target": [0.0, 1.0, 0.05, 0.95, 0.5, 0.5],
        "observed": [0.1, 0.9, 0.05, 0.95, np.nan, np.nan],
        "probability": [0.1, 0.9, 0.1, 0.9, 0.4, 0.6],
        "internal_error": [0.1, 0.1, 0.05, 0.05, 0.1, 0.1],
        "phrasing": ["count", "count", "percent", "percent", "percent", "percent"],
        "known": [True, True, True, True, False, False],
    }
)


def test_errors_by_phrasing() -> None:
    found = phrasing_errors(TABLE)
    assert found[["known", "phrasing", "n"]].values.tolist() == [
        [True, "all", 2],
        [True, "count", 1],
        [True, "percent", 1],
        [False, "all", 1],
        [False, "percent", 1],
    ]
    assert found["internal"].tolist() == pytest.approx([0.075, 0.1, 0.05, 0.1, 0.1])
    assert found["mae"].tolist() == pytest.approx([0.05, 0.1, 0.0, np.nan, np.nan], nan_ok=True)


def test_the_curve_is_over_tenths() -> None:
    found = calibration_curve(TABLE)
    assert found["low"].tolist() == pytest.approx([0.0, 0.9, 0.5])
    assert found["n"].tolist() == [2, 2, 2]
    assert found["target"].tolist() == pytest.approx([0.025, 0.975, 0.5])
    assert found["probability"].tolist() == pytest.approx([0.1, 0.9, 0.5])
    assert found["observed"].tolist() == pytest.approx([0.075, 0.925, np.nan], nan_ok=True)


def test_a_row_a_context_and_category() -> None:
    params = block(TargetsParams, "targets", file=ROOT / "params.yaml")
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    spec = dataset_spec(
        "gender_stated", {"gender": attribute}, params.dataset("gender_stated"), ROOT
    )
    table = phrasing_table(spec)
    assert len(table) == 2 * len(spec.contexts)
    assert table["known"].sum() == len(spec.contexts)
    even = dataset_spec("uk_even", {"gender": attribute}, params.dataset("uk_even"), ROOT)
    assert table.columns.tolist() == ["phrasing", "known"]
    assert phrasing_table(even).columns.empty
