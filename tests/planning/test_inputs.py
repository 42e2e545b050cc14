"""Contexts that could not be asked about are refused before anything is run."""

from pathlib import Path

import pytest

from distalign.data.targets import DatasetParams, TargetsParams
from distalign.planning.inputs import check_attribute, check_contexts
from distalign.records.schemas import InputError
from tests.support.paths import ROOT

GENDER = check_attribute(ROOT / "data/attributes/gender.yaml")


@pytest.mark.parametrize(("name", "fault"), [("MEN", True), ("Men's barbers", False)])
def test_a_context_that_is_a_word_of_a_category_is_told(
    name: str, fault: bool, tmp_path: Path
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(f"context\nNurses\n{name}\n", encoding="utf-8")
    dataset = DatasetParams(attribute="gender", contexts=str(file), target="even")
    params = TargetsParams(max_contexts=None, datasets={"mine": dataset})
    arguments = ("mine", dataset, {"gender": GENDER}, tmp_path, params)
    if not fault:
        assert check_contexts(*arguments) == 2
        return
    with pytest.raises(InputError, match="mine.csv: context 'MEN' is a word of category 'Male'"):
        check_contexts(*arguments)
