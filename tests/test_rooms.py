"""Rooms import one way, and dvc.yaml names what the module of each stage imports.

Imports within functions count, and those for type checkers.
"""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from tests.support.paths import ROOT

# A room imports those above it alone.
ORDER = [
    "records",
    "machine",
    "models",
    "engines",
    "llm",
    "judging",
    "data",
    "training",
    "sampling",
    "statistics",
    "probing",
    "report",
    "planning",
    "serving",
]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
Graph = Mapping[str, set[str]]
"""Module -> those of the same folders that it imports."""


def imported(text: str) -> set[str]:
    """Every name that could be a module: `from a import b` yields a and a.b."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their room"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def read_graph(root: Path, folders: list[str]) -> Graph:
    paths = [path for folder in folders for path in root.glob(f"{folder}/**/*.py")]
    texts = {
        ".".join(path.relative_to(root).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in paths
        if path.name != "__init__.py"
    }
    return {name: imported(text) & texts.keys() for name, text in texts.items()}


GRAPH = read_graph(ROOT, ["distalign", "stages"])


def room_of(module: str) -> str:
    return module.split(".")[1]


def code_of(module: str, graph: Graph) -> set[str]:
    """Files of stages, and folders of rooms, that a module is made of."""
    seen, left = set(), [module]
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left += graph[name]
    return {
        f"{name.replace('.', '/')}.py"
        if name.startswith("stages.")
        else f"distalign/{room_of(name)}"
        for name in seen
    }


def test_every_module_lies_in_a_room_that_says_what_it_is_for() -> None:
    assert [path.name for path in ROOT.glob("distalign/*.py")] == ["__init__.py"]
    assert {path.parent.name for path in ROOT.glob("distalign/*/__init__.py")} == set(ORDER)
    assert {room_of(name) for name in GRAPH if name.startswith("distalign.")} == set(ORDER)
    for room in ORDER:
        text = (ROOT / f"distalign/{room}/__init__.py").read_text(encoding="utf-8")
        (statement,) = ast.parse(text).body  # the sentence, and nothing to import from it
        assert ast.get_docstring(ast.parse(text)), statement


@pytest.mark.parametrize("room", ORDER)
def test_a_room_imports_what_its_sentence_names_and_none_that_comes_later(room: str) -> None:
    own = [name for name in GRAPH if name.startswith(f"distalign.{room}.")]
    used = {room_of(other) for name in own for other in GRAPH[name]} - {room}
    text = (ROOT / f"distalign/{room}/__init__.py").read_text(encoding="utf-8")
    assert set(re.findall(r"`(\w+)`", text)) == used
    assert used <= set(ORDER[: ORDER.index(room)])


def test_the_package_knows_nothing_of_who_runs_it() -> None:
    runners = {"stages", "scales", "tools", "tests", "benchmarks"}
    for path in ROOT.glob("distalign/**/*.py"):
        names = imported(path.read_text(encoding="utf-8"))
        assert not runners & {name.partition(".")[0] for name in names}, path


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_rooms_that_it_imports(stage: str) -> None:
    command, named = STAGES[stage]["cmd"], STAGES[stage]["deps"]
    assert f" stages.{stage} " in command
    code = [name for name in named if name.startswith(("stages/", "distalign/"))]
    assert sorted(code) == sorted(code_of(f"stages.{stage}", GRAPH))


def test_imports_are_followed_into_functions_and_from_room_to_room(tmp_path: Path) -> None:
    texts = {
        "stages/top.py": "def main():\n    from distalign.upper.a import thing\n",
        "distalign/upper/a.py": "if TYPE_CHECKING:\n    import distalign.lower.b\n",
        "distalign/upper/unused.py": "from distalign.other import c\n",
        "distalign/lower/b.py": "from stages import helper\n",
        "distalign/other/c.py": "",
        "stages/helper.py": "import json\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    graph = read_graph(tmp_path, ["distalign", "stages"])
    found = code_of("stages.top", graph)
    assert found == {"stages/top.py", "stages/helper.py", "distalign/upper", "distalign/lower"}


def test_the_guide_lists_the_rooms_and_no_document_names_a_file_that_is_not_there() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", guide, flags=re.M) == ORDER
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        names = re.findall(
            r"`((?:distalign|stages|tests|tools|scales|benchmarks|docs)/[\w./]+)`",
            path.read_text(encoding="utf-8"),
        )
        assert [name for name in names if not (ROOT / name).exists()] == [], path


def test_what_python_compiles_is_no_part_of_a_room() -> None:
    with Repo(str(ROOT)) as repo:
        assert repo.dvcignore.is_ignored_dir(str(ROOT / "distalign/records/__pycache__"))
        assert not repo.dvcignore.is_ignored_dir(str(ROOT / "distalign/records"))
