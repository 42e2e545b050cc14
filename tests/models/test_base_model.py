"""Where base models may come from."""

import pickle
from pathlib import Path

import pytest

from distalign.models.base_model import fetch
from distalign.records.schemas import InputError


class Planted:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return Path.mkdir, (self.folder,)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pkl"])
def test_a_folder_with_a_pickle_alone_is_refused(tmp_path: Path, name: str) -> None:
    source, planted = tmp_path / "source", tmp_path / "planted"
    source.mkdir()
    (source / "config.json").write_text('{"model_type": "llama"}')
    (source / name).write_bytes(pickle.dumps(Planted(planted)))
    with pytest.raises(InputError, match="holds no safetensors; other weights are not read"):
        fetch(str(source), None, tmp_path / "out")
    assert not planted.exists()
    pickle.loads((source / name).read_bytes())
    assert planted.exists()


@pytest.mark.parametrize(
    ("source", "revision", "message"),
    [
        ("package:no-such-package", "1", "package 'no-such-package' is not installed"),
        ("package:pyyaml", "0", "revision '0' is asked for"),
        ("no/such-model", None, "pin a revision"),
        (".", "main", "is a folder and has no revision"),
        ("none.gguf", None, "none.gguf: no such file"),
    ],
)
def test_a_wrong_source_is_told(
    tmp_path: Path, source: str, revision: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        fetch(source, revision, tmp_path / "out")


def test_a_gguf_file_is_of_the_digest_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"no weights")
    with pytest.raises(InputError, match="has the SHA-256 .*revision is 'beef'"):
        fetch(str(tmp_path / "a.gguf"), "beef", tmp_path / "out")
    with pytest.raises(InputError, match="a.gguf: transformers cannot read it"):
        fetch(str(tmp_path / "a.gguf"), None, tmp_path / "out")
