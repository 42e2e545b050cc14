"""Make a scale the one that `dvc repro` runs.

Copies scales/NAME.yaml to scale.yaml, and puts the values of scales/NAME.params.yaml, or of
scales/default.params.yaml where there is none, into params.yaml, whose comments stay.
dvc.lock is left with the results of its jobs, and scales/locks.json has those of the others.

    python -m scales.switch NAME
"""

import argparse
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from distalign.records.files import write_text
from distalign.records.schemas import InputError
from scales.locks import divide, jobs, read_recorded
from stages.cli import run

SCALES = Path("scales")
DEFAULT = SCALES / "default.params.yaml"


def editor() -> YAML:
    """A reader and writer of YAML that keeps comments, anchors and the form of numbers."""
    yaml = YAML()
    yaml.width = 4096
    yaml.preserve_quotes = True
    yaml.representer.add_representer(
        type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def replace(params: CommentedMap, values: Mapping[str, Any], place: str = "") -> None:
    """Set the leaves of `values` in `params`, in place.

    Raises:
        InputError: `params` has no such key, or a block where `values` has a leaf.
    """
    for key, value in values.items():
        name = f"{place}{key}"
        if key not in params or isinstance(params[key], dict) != isinstance(value, dict):
            raise InputError(f"params.yaml has no {name} to set; correct it in the scale")
        if isinstance(value, dict):
            replace(params[key], value, f"{name}.")
        elif params[key] != value:
            params[key] = value
            if key in params.ca.items:
                params.ca.items[key][2].column = 0  # one space after the value, however long


def values_of(name: str | None, root: Path) -> Path:
    """The parameters of a scale; the default's where it has no file of its own."""
    values = root / SCALES / f"{name}.params.yaml"
    return values if values.is_file() else root / DEFAULT


def scale_files(name: str, root: Path) -> tuple[Path, Path]:
    """The scale's lists and its parameters. Raises InputError that names the scales there are."""
    lists = root / SCALES / f"{name}.yaml"
    if not lists.is_file() or "." in name:
        known = sorted(path.stem for path in (root / SCALES).glob("*.yaml") if "." not in path.stem)
        raise InputError(f"no scale {name!r}; there are {', '.join(known)}")
    return lists, values_of(name, root)


def chosen_name(root: Path) -> str | None:
    """Of the scale in scale.yaml, if there is one. Raises InputError where that is not YAML."""
    file = root / "scale.yaml"
    if not file.is_file():
        return None
    try:
        scale = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise InputError(f"{file}: not YAML ({error}); take git's: git checkout {file}") from error
    return (scale or {}).get("name")


def values_in(params: Mapping[str, Any], root: Path) -> Path:
    """The file of parameters whose values params.yaml has, whatever scale.yaml is called; that of
    the chosen scale, where a person has changed a value.

    Raises InputError where scale.yaml is not YAML.
    """
    own = values_of(chosen_name(root), root)
    for file in [own, *sorted((root / SCALES).glob("*.params.yaml"))]:
        if holds(params, editor().load(file.read_text(encoding="utf-8"))):
            return file
    return own


def holds(params: Any, values: Any) -> bool:
    """Whether each leaf of `values` stands in `params`."""
    if not isinstance(values, Mapping):
        return bool(params == values)
    return isinstance(params, Mapping) and all(
        key in params and holds(params[key], value) for key, value in values.items()
    )


def switch(name: str, root: Path) -> None:
    """Write scale.yaml, params.yaml and both locks under `root`.

    Raises InputError, see the functions above and those of `scales.locks`.
    """
    lists, values = scale_files(name, root)
    yaml, params = editor(), root / "params.yaml"
    content = yaml.load(params.read_text(encoding="utf-8"))
    before = values_in(content, root)
    # All is read before anything is written: after a switch that stops half way, the next one
    # could not tell the results of which parameters dvc.lock has.
    recorded = read_recorded(root)
    pipeline, scale = (
        YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        for file in (root / "dvc.yaml", lists)
    )
    names = [job.name for job in jobs(pipeline, scale)]
    replace(content, yaml.load(values.read_text(encoding="utf-8")))
    text = io.StringIO()
    yaml.dump(content, text)
    write_text(params, text.getvalue())
    write_text(root / "scale.yaml", lists.read_text(encoding="utf-8"))
    left, entered = (file.name.removesuffix(".params.yaml") for file in (before, values))
    divide(root, recorded, names, left, entered)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", help="of a file in scales/")
    switch(parser.parse_args().name, Path())


if __name__ == "__main__":
    run(main)
