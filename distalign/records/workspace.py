"""Where unfinished work is kept, outside the pipeline's outputs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel


def workspace_of(
    root: Path, params: Sequence[BaseModel], precision: str, seed: int, inputs: Sequence[Path]
) -> Path:
    """A folder for what a run has finished so far, named by all that decides the run.

    DVC deletes a stage's outputs before it runs.
    """
    text = "".join([*(block.model_dump_json() for block in params), precision, str(seed)])
    digest = hashlib.sha256(text.encode())
    for path in inputs:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return root / digest.hexdigest()[:16]
