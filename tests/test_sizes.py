"""Files are of a size that is read at once, and none is too small to be worth its name."""

import pytest

from tests.support.paths import ROOT

LONGEST, SHORTEST = 250, 40
SMALL = {
    "engines/opening.py": "the one place that imports either engine, as late as it is opened",
    "records/workspace.py": "nothing of it is a record or a file's form",
    "sampling/grids.py": "a stage's grid, which sampling itself does not know",
    "sampling/streams.py": "what a cell's random numbers hang on stands alone, to be seen as such",
    "training/step_rows.py": "rows of a step, whatever they are held for",
}
FILES = [
    path
    for folder in ("distalign", "stages", "scales", "tools")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def length(text: str) -> int:
    return len(text.splitlines())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_too_long(path) -> None:
    assert length(path.read_text(encoding="utf-8")) <= LONGEST


def test_small_files_of_the_package_are_those_with_a_reason() -> None:
    package = ROOT / "distalign"
    small = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if path.name != "__init__.py" and length(path.read_text(encoding="utf-8")) < SHORTEST
    }
    assert small == set(SMALL)
