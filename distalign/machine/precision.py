"""In which numbers models compute: the one place that names a type of them."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import RootModel

Precision = Literal["bfloat16", "float32"]
Wanted = Literal["auto", "bfloat16", "float32"]
BYTES: Mapping[Precision, int] = {"bfloat16": 2, "float32": 4}
"""Of a number."""
# What weights are kept in that come quantized.
STORED: Precision = "bfloat16"


class PrecisionParams(RootModel[Wanted]):
    """`precision` of params.yaml."""

    def resolve(self, native: bool) -> Precision:
        """The precision on a processor that multiplies bfloat16 natively, or does not."""
        if self.root == "auto":
            return "bfloat16" if native else "float32"
        return self.root


def has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def cpu_multiplies_bfloat16(level: str, features: Mapping[str, Any]) -> bool:
    """Whether a CPU has instructions for products of bfloat16: without, float32 is faster.

    Args:
        level: of instructions that torch uses, `torch.backends.cpu.get_cpu_capability()`, which
            ATEN_CPU_CAPABILITY holds below what the processor has.
        features: `torch.cpu.get_capabilities()`.
    """
    return level == "AVX512" and bool(features["avx512_bf16"] or features["amx_bf16"])


def native_bfloat16() -> bool:
    """Whether what torch runs on here, a GPU or else the CPU, multiplies bfloat16 natively."""
    import torch

    if has_gpu():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    level = torch.backends.cpu.get_cpu_capability()
    return cpu_multiplies_bfloat16(level, torch.cpu.get_capabilities())


def torch_dtype(precision: Precision) -> Any:
    """The precision as a `torch.dtype`."""
    import torch

    return getattr(torch, precision)
