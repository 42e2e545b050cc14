"""Read YAML by a schema: a fault is named by key, value, bounds and the nearest right name."""

import difflib
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from distalign.records.schemas import InputError

M = TypeVar("M", bound=BaseModel)
Location = tuple[int | str, ...]
LONGEST_VALUE = 80
BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "multiple_of": "a multiple of"}


class _Loader(yaml.CSafeLoader):
    """YAML as DVC reads it: a key stands once, 1e-3 is a number. Numbers are finite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        number = super().construct_yaml_float(node)
        if not math.isfinite(number):
            raise yaml.constructor.ConstructorError(
                None, None, f"{node.value!r} is not a finite number", node.start_mark
            )
        return number


_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+[eE][-+]?\d+$"), [*"-+0123456789"]
)


def read_yaml(file: Path) -> Any:
    """Raises InputError naming the file, and the line of what is not YAML."""
    try:
        return yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        mark, problem = error.problem_mark, error.problem
        line = f":{mark.line + 1}" if mark else ""
        lines = file.read_text(encoding="utf-8").splitlines()
        if mark and any("\t" in text for text in lines[mark.line : mark.line + 1]):
            problem = f"{problem}; the line has a tab: indent with spaces"
        raise InputError(f"{file}{line}: {problem}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{file}: not YAML: {error}") from error


def validate(model: type[M], value: Any, file: Path, path: Iterable[str] = ()) -> M:
    """The value as the model; no text passes for a number, no truth value for a count.

    Args:
        path: keys that lead to the value in the file.

    Raises:
        InputError: a line a fault, which names file, key, value, bounds and near names.
    """
    if value is None and not path:
        raise InputError(f"{file}: is empty")
    try:
        return model.model_validate(value, strict=True)
    except ValidationError as error:
        lines = [f"{file}: {_fault(model, value, item, path)}" for item in error.errors()]
        raise InputError("\n".join(lines)) from error


def near(name: object, known: Iterable[object]) -> str:
    """The nearest of the known names, whatever their case, if one is near, and all of them."""
    names = [str(other) for other in known]
    folded = {other.casefold(): other for other in reversed(names)}
    found = [folded[other] for other in difflib.get_close_matches(str(name).casefold(), folded, 1)]
    listed = f"known: {', '.join(names)}"
    return f"did you mean {found[0]!r}? {listed}" if found else listed


def shown(value: object) -> str:
    """The value as it is written in a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _fault(model: type[BaseModel], value: Any, item: ErrorDetails, path: Iterable[str]) -> str:
    kind, loc, context = item["type"], item["loc"], item.get("ctx", {})
    key = ".".join([*path, *_keys(value, loc, kind)]) or "the file"
    if kind == "missing":
        return f"{key} is missing"
    if kind == "union_tag_not_found":
        return f"{key}.{context['discriminator'].strip(chr(39))} is missing"
    if kind == "union_tag_invalid":
        tags = [tag.strip("'") for tag in context["expected_tags"].split(", ")]
        field = context["discriminator"].strip("'")
        return f"{key}.{field} = {context['tag']!r}: unknown; {near(context['tag'], tags)}"
    holder = _model_at(model, loc)
    if kind == "extra_forbidden":
        return f"{key} = {shown(item['input'])}: unknown key; {near(loc[-1], holder.model_fields)}"
    bounds = _bounds(holder.model_fields.get(loc[-1])) if holder else ""
    return f"{key} = {shown(item['input'])}: {item['msg']}{bounds}"


def _keys(value: Any, loc: Location, kind: str) -> list[str]:
    """The parts of a location that are keys in the file: pydantic adds names of types."""
    keys = []
    for part in loc:
        place = isinstance(value, list) and isinstance(part, int)
        if place or (isinstance(value, dict) and part in value):
            value = value[part]
        elif kind != "missing" or part != loc[-1]:
            continue
        keys.append(str(part))
    return keys


def _model_at(annotation: Any, loc: Location) -> type[BaseModel] | None:
    """The model of which the location's last part is, or would be, a field."""
    if get_origin(annotation) in (dict, list):
        return _model_at(get_args(annotation)[-1], loc[1:])
    if get_origin(annotation) is Annotated:  # a union whose members have tags
        members = get_args(get_args(annotation)[0])
        chosen = [m for m in members if any(t.tag == loc[0] for t in get_args(m)[1:])]
        return _model_at(get_args(chosen[0])[0], loc[1:]) if chosen else None
    if not loc or not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return None
    fields = annotation.model_fields
    if "root" in fields:  # of several models, its location names the one that was chosen
        members = get_args(fields["root"].annotation)
        tag = fields["root"].discriminator
        chosen = [m for m in members if loc[0] in get_args(m.model_fields[tag].annotation)]
        return _model_at(chosen[0], loc[1:])
    if len(loc) == 1:
        return annotation
    return _model_at(fields[loc[0]].annotation, loc[1:])


def _bounds(field: FieldInfo | None) -> str:
    """Every bound of a field, as `; bounds: > 0, <= 1`; empty without any."""
    found = [
        f"{sign} {getattr(item, name)}"
        for item in (field.metadata if field else [])
        for name, sign in BOUNDS.items()
        if getattr(item, name, None) is not None
    ]
    return f"; bounds: {', '.join(found)}" if found else ""
