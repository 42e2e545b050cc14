"""Where base models may come from."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter
from safetensors.torch import load_file, save_file

from distalign.models.base_model import fetch
from distalign.records.schemas import InputError
from tests.support.tiny_models import ARCHITECTURES, make_source


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


@pytest.mark.parametrize(
    ("field", "tensor", "fault"),
    [
        (("split.count", 2), "a", "is one of 2 parts; join them first"),
        (("llama.rope.scaling.type", "linear"), "a", "does not read its llama.rope.scaling.type"),
        (("llama.block_count", 1), "rope_freqs.weight", "does not read its rope_freqs.weight"),
    ],
)
def test_a_gguf_file_of_which_a_part_would_be_left_out_is_refused(
    field: tuple[str, int | str], tensor: str, fault: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.gguf"
    writer = GGUFWriter(path, "llama")
    name, value = field
    (writer.add_string if isinstance(value, str) else writer.add_uint32)(name, value)
    writer.add_tensor(tensor, np.ones(4, np.float32))
    for write in ("write_header_to_file", "write_kv_data_to_file", "write_tensors_to_file"):
        getattr(writer, write)()
    writer.close()
    with pytest.raises(InputError, match=fault):
        fetch(str(path), None, tmp_path / "out")


def test_a_model_that_lacks_weights_is_refused(tmp_path: Path) -> None:
    source = make_source(next(iter(ARCHITECTURES)), tmp_path / "source")
    file = source / "model.safetensors"
    weights = load_file(file)
    lacking = next(name for name in weights if "mlp" in name)
    save_file({name: w for name, w in weights.items() if name != lacking}, file, {"format": "pt"})
    with pytest.raises(InputError, match=f"1 weights are not in it, as {lacking}"):
        fetch(str(source), None, tmp_path / "out")
    assert not (tmp_path / "out/source.json").exists()


def test_a_gguf_file_is_of_the_digest_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"no weights")
    with pytest.raises(InputError, match="has the SHA-256 .*revision is 'beef'"):
        fetch(str(tmp_path / "a.gguf"), "beef", tmp_path / "out")
    with pytest.raises(InputError, match="a.gguf: transformers cannot read it"):
        fetch(str(tmp_path / "a.gguf"), None, tmp_path / "out")
