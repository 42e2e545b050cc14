"""Every family is checked where it enters: it works, or is refused with the reason."""

from pathlib import Path

import pytest

from distalign.models.base_model import fetch
from distalign.records.schemas import InputError
from tests.support.families import FAMILIES, Family, make_family

QUICK = {"Gemma 2", "Granite", "Phi", "gpt-oss"}


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(f, id=f.name, marks=[] if f.name in QUICK else pytest.mark.slow)
        for f in FAMILIES
    ],
)
def test_a_family_works_or_is_refused(family: Family, tmp_path: Path) -> None:
    source = make_family(family, tmp_path / "source")
    if family.refused is not None:
        with pytest.raises(InputError, match=family.refused):
            fetch(str(source), None, tmp_path / "out")
        return
    found = fetch(str(source), None, tmp_path / "out")
    assert "of the model's own" in found[-1]
