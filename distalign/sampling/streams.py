"""Random streams: each cell has its own, and each of its shards a part of it.

No two cells share uniforms, so their figures are replications of each other, and a difference
between two methods carries the noise of both. What tells cells apart is said in strings that
are the same on every machine.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from pydantic import BaseModel

WHO_DRAWS = ("engine", "workers", "tensor_parallel", "shard")
"""Keys of the `sample` block that say who draws the rounds, not which."""
BOUNDS = ("max_tries",)
"""Keys that end a round early or late: the tries before are the same."""


def policy_name(folder: Path) -> str:
    """model/training/dataset/method/seed: the last parts of a policy's folder."""
    return "/".join(folder.parts[-5:])


def stream_of(policy: str, seed: int, dataset: str, setting: str, params: BaseModel) -> list[int]:
    """Entropy for numpy's SeedSequence, 256 bits: the SHA-256 of what tells cells apart.

    Args:
        policy: name that no other policy has, see `policy_name`.
        seed: of its training.
        dataset: the one that is asked about.
        params: the `sample` block, of which the ways to draw count.
    """
    ways = params.model_dump(mode="json", exclude={*WHO_DRAWS, *BOUNDS})
    cell = json.dumps([policy, seed, dataset, setting, ways], sort_keys=True)
    return np.frombuffer(hashlib.sha256(cell.encode()).digest(), "<u4").tolist()
