"""What every stage's command line shares: flags, its block of params.yaml, clean errors."""

import argparse
import difflib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from distalign.records import InputError

P = TypeVar("P", bound=BaseModel)
PARAMS = Path("params.yaml")
SCALE = Path("scale.yaml")
NAMES = ("model", "training", "setting", "dataset", "method", "form")


def parse(doc: str | None, **flags: str) -> argparse.Namespace:
    """Parse `--name VALUE` for each flag; the keyword's value is its help text."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, text in flags.items():
        kind = int if name == "seed" else str if name in NAMES else Path
        parser.add_argument(f"--{name.replace('_', '-')}", required=True, type=kind, help=text)
    return parser.parse_args()


def block(params: type[P], *path: str, over: P | None = None, file: Path = PARAMS) -> P:
    """Read and check the block of params.yaml at `path`; its keys replace those of `over`.

    Raises:
        InputError: naming the key, what is wrong with it, and near names for unknown ones.
    """
    try:
        value = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{file}: {error}") from error
    for depth, key in enumerate(path):
        where = ".".join(path[: depth + 1])
        if not isinstance(value, dict) or key not in value:
            known = list(value) if isinstance(value, dict) else []
            raise InputError(f"{file}: {where} is missing; {_nearest(key, known)}")
        value = value[key]
    if over is not None and isinstance(value, dict):
        value = over.model_dump() | value
    try:
        return params.model_validate(value)
    except ValidationError as error:
        lines = []
        for item in error.errors():
            key = ".".join([*path, *(str(part) for part in item["loc"])])
            hint = ""
            if item["type"] == "extra_forbidden":
                hint = f"; {_nearest(str(item['loc'][-1]), sorted(_field_names(params)))}"
            lines.append(f"{file}: {key} = {item['input']!r}: {item['msg']}{hint}")
        raise InputError("\n".join(lines)) from error


def _field_names(annotation: object) -> set[str]:
    """Names of all fields of the models that a type is made of."""
    names = {name for part in get_args(annotation) for name in _field_names(part)}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        names |= annotation.model_fields.keys() - {"root"}
        for field in annotation.model_fields.values():
            names |= _field_names(field.annotation)
    return names


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(map(str, known))}"


def run(main: Callable[[], None]) -> None:
    """Run a stage; a person's mistake ends in one message instead of a traceback."""
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
