"""Files of a model from the hub, or from its cache on this machine where it is out of reach."""

import shutil
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from distalign.records.schemas import InputError

SMALL = ["*.json", "*.jinja", "*.model", "*.txt"]
WEIGHTS = "*.safetensors"
TWICE = "consolidated*"
"""The same weights in their makers' own format."""


def wanted(names: Sequence[str]) -> list[str]:
    """The files of a repository that are fetched: those of no subfolder, none twice.

    Raises:
        InputError: there are no weights as safetensors.
    """
    top = [name for name in names if "/" not in name and not fnmatch(name, TWICE)]
    weights = [name for name in top if fnmatch(name, WEIGHTS)]
    if not weights:
        raise InputError("holds no safetensors; other weights are not read")
    return [name for name in top if any(fnmatch(name, kind) for kind in SMALL)] + weights


def download(source: str, revision: str | None, folder: Path) -> str | None:
    """Fetch a model's files into a folder; its commit.

    Raises:
        InputError: no revision is named, the hub does not know the model, or is out of reach and
            its cache here does not hold the model.
    """
    from httpx2 import HTTPError
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    if revision is None:
        raise InputError(f"base_model: pin a revision (branch, tag or commit) of {source}")
    try:
        found = HfApi().model_info(source, revision=revision)
        names = wanted([file.rfilename for file in found.siblings or []])
        snapshot_download(source, revision=found.sha, local_dir=folder, allow_patterns=names)
        return found.sha
    except InputError as fault:
        raise InputError(f"base_model: {source}@{revision} {fault}") from fault
    except HfHubHTTPError as error:  # the hub answered
        raise InputError(
            f"base_model: {source}@{revision} is no folder here, and the hub did not give it: "
            f"{str(error).splitlines()[0]}"
        ) from error
    except (HTTPError, OSError, ValueError) as error:
        return _from_cache(source, revision, folder, error)


def _from_cache(source: str, revision: str, folder: Path, reason: Exception) -> str:
    from huggingface_hub import snapshot_download

    try:
        cached = Path(snapshot_download(source, revision=revision, local_files_only=True))
        for name in wanted([path.name for path in cached.iterdir()]):
            shutil.copyfile(cached / name, folder / name)
    except (OSError, ValueError) as error:  # InputError is one
        raise InputError(
            f"base_model: {source}@{revision} is no folder here, nor in the hub's cache, and the "
            f"hub is out of reach ({type(reason).__name__}: {str(reason).splitlines()[0]}); go "
            "online, or name a folder or a GGUF file as `source`"
        ) from error
    return cached.name
