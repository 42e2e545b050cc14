"""Contexts that could not be asked about are refused before anything is run."""

from pathlib import Path

import pytest

from distalign.data.targets import DatasetParams, TargetsParams
from distalign.planning.bounds import key_faults, params_faults, seed_faults
from distalign.planning.inputs import check_attribute, check_contexts
from distalign.planning.params import Params
from distalign.records.schemas import InputError
from stages.cli import block as load_block
from tests.support.paths import ROOT

GENDER = check_attribute(ROOT / "data/attributes/gender.yaml")


@pytest.mark.parametrize(("name", "fault"), [("MEN", True), ("Men's barbers", False)])
def test_a_context_that_is_a_word_of_a_category_is_told(
    name: str, fault: bool, tmp_path: Path
) -> None:
    file = tmp_path / "examples/mine.csv"
    file.parent.mkdir()
    file.write_text(f"context\nNurses\n{name}\n", encoding="utf-8")
    dataset = DatasetParams(attribute="gender", contexts=str(file), target="even")
    params = TargetsParams(max_contexts=None, datasets={"mine": dataset})
    arguments = ("mine", dataset, {"gender": GENDER}, tmp_path, params)
    if not fault:
        assert check_contexts(*arguments) == 2
        return
    with pytest.raises(InputError, match="mine.csv: context 'MEN' is a word of category 'Male'"):
        check_contexts(*arguments)


def test_a_file_whose_changes_no_stage_would_see_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("context\nNurses\n", encoding="utf-8")
    dataset = DatasetParams(attribute="gender", contexts=str(file), target="even")
    params = TargetsParams(max_contexts=None, datasets={"mine": dataset})
    with pytest.raises(InputError, match="changes are seen in census, examples, stated of"):
        check_contexts("mine", dataset, {"gender": GENDER}, tmp_path, params)


def test_what_stands_in_a_keys_place_is_no_secret() -> None:
    text = "objective: none # sk-planted"
    assert [*key_faults(Path("params.yaml"), text, "none")] == []
    assert len([*key_faults(Path("params.yaml"), text, "sk-planted")]) == 1


def test_rounds_that_are_not_independent_are_no_main_result() -> None:
    params = load_block(Params, file=ROOT / "params.yaml")
    assert [*params_faults(params)] == []
    sample = params.sample.model_copy(update={"rounds": "coordinated"})
    (fault,) = params_faults(params.model_copy(update={"sample": sample}))
    assert fault.startswith("sample.rounds = 'coordinated': such rounds are not independent")


def test_a_block_may_be_called_as_a_seed_is() -> None:
    tree = {"datasets": {"seed": {"attribute": "seed"}, "seeds": {"seed": -1}}, "seeds": [0, -2]}
    told = [*seed_faults("", tree)]
    assert [fault.partition(" = ")[0] for fault in told] == ["datasets.seeds.seed", "seeds"]
