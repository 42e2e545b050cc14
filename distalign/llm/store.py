"""Answers of an LLM, kept in a file as they come, so that none is asked for twice."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


class Store:
    """An append-only JSONL file of {"key", "text"}; a text without a sign is no answer.

    Args:
        path: made at the first answer, with its folder.
    """

    _file: TextIO  # within `open`

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers = _read(path)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Within it, answers can be added."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        end_last_line(self.path)
        with self.path.open("a", encoding="utf-8") as self._file:
            yield

    def add(self, key: str, text: str) -> None:
        self.answers[key] = text
        self._file.write(json.dumps({"key": key, "text": text}) + "\n")
        self._file.flush()


def end_last_line(path: Path) -> None:
    """Let what is appended start on a line of its own, whatever a crash left behind."""
    if path.is_file() and not path.read_bytes().endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")


def _read(path: Path) -> dict[str, str]:
    """Stored answers; a last line that a crash cut short is passed over."""
    if not path.is_file():
        return {}
    answers = {}
    for line in path.read_text(encoding="utf-8").split("\n"):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(row, dict) and row["text"]:
            answers[row["key"]] = row["text"]
    return answers
