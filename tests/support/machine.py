"""The precision in which models run on the machine that tests, as `precision: auto` chooses it."""

from distalign.machine.precision import PrecisionParams, native_bfloat16, torch_dtype

AUTO = PrecisionParams("auto")
PRECISION = AUTO.resolve(native_bfloat16())
DTYPE = torch_dtype(PRECISION)
