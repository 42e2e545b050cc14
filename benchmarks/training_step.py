"""Rows a second of the hybrid training step against TRL's stock KTOTrainer, in one run.

Same model, rows, LoRA and precision, adapters in float32. The stock step
has no calibration term: it does less, and is the easier opponent. Steps of the two take turns, so
that a disturbance meets both.

Useful operations of a step, for T tokens of the tree, T' of the mismatched responses, N and
N' positions that predict a completion token, P weights of the body's linear layers, A of
the adapters', and an output layer of V x H weights:

    forward     2 T (P + A) + 2 N V H
    backward    2 T (P + A) + 2 T A + 2 N V H     (no gradient of frozen weights)
    mismatched  2 T' (P + A) + 2 N' V H           (no backward)

Attention's own products and all that is not a matrix product are left out, and padding does
not count: the share of the machine's rate is a lower bound. The rate is the best of a few
products of the same precision, measured in the same run.

    python -m benchmarks.training_step --base models/base/smollm2-135m \\
        --spec data/targets/uk_real.json --preferences data/preferences/attribute/uk_real.jsonl
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import torch
import yaml
from peft import LoraConfig, get_peft_model
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import KTOConfig, KTOTrainer

from distalign.machine.precision import (
    Precision,
    PrecisionParams,
    Wanted,
    native_bfloat16,
    torch_dtype,
)
from distalign.models.packing import pack
from distalign.models.policy import LoraParams, new_adapter
from distalign.models.steering import resolve
from distalign.records.files import read_jsonl, read_spec
from distalign.records.schemas import Preference
from distalign.training.fitting import common_arguments, make_trainer
from distalign.training.methods import HybridParams
from distalign.training.preference_data import hybrid_rows

WARM_UP = 2


def product_rate(precision: Precision) -> float:
    """Best rate of a matrix product, in operations a second."""
    best = 0.0
    for tokens, width, out in ((512, 576, 1536), (512, 1536, 1536), (2048, 2048, 2048)):
        kind = torch_dtype(precision)
        a, b = torch.randn(tokens, width, dtype=kind), torch.randn(width, out, dtype=kind)
        for _ in range(20):
            start = time.perf_counter()
            a @ b
            best = max(best, 2 * tokens * width * out / (time.perf_counter() - start))
    return best


def useful_operations(trainer: Any, batch: dict[str, Any]) -> float:
    """Operations of one hybrid step by the formula above."""
    model = trainer.model.get_base_model()
    body = adapters = 0
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            adapters += weight.numel()
        elif weight.ndim == 2 and "embed" not in name and "lm_head" not in name:
            body += weight.numel()
    prompts, completions = [], []
    columns = (batch[key].tolist() for key in ("input_ids", "attention_mask", "completion_mask"))
    for ids, present, completed in zip(*columns, strict=True):
        start = completed.index(1)
        prompts.append(ids[:start])
        completions.append(ids[start : sum(present)])
    tree = pack(prompts, completions, torch.device("cpu"))
    tokens, positions = tree.ids.shape[1], len(tree.labels)
    mismatched = sum(map(len, batch["mismatched"]))
    head = model.get_output_embeddings().weight.numel()
    trained = 4 * tokens * (body + adapters) + 2 * tokens * adapters + 4 * positions * head
    return trained + 2 * mismatched * (body + adapters) + 2 * (mismatched - len(prompts)) * head


def seconds(loss: Callable[[], torch.Tensor]) -> float:
    start = time.perf_counter()
    loss().backward()
    return time.perf_counter() - start


def stock_model(base: Path, lora: LoraParams, precision: Precision) -> Any:
    """peft's own adapter on the model as transformers runs it."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch_dtype(precision))
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        target_modules=lora.target_modules,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def stock_trainer(model: Any, tokenizer: Any, rows: Any, arguments: dict, precompute: bool) -> Any:
    config = KTOConfig(**arguments, precompute_ref_log_probs=precompute)
    return KTOTrainer(model, None, config, train_dataset=rows, processing_class=tokenizer)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("base", "spec", "preferences"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--batch-size", type=int, help="sequences a step; default: as trained")
    parser.add_argument("--precision", choices=get_args(Wanted), default="auto")
    args = parser.parse_args()
    precision = PrecisionParams(args.precision).resolve(native_bfloat16())
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    hybrid = HybridParams(**params["train"]["ours"])
    size = args.batch_size or hybrid.batch_size
    hybrid = hybrid.model_copy(update={"rows": args.steps * size // 2, "batch_size": size})
    spec, rows = read_spec(args.spec), read_jsonl(args.preferences, Preference)
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    steering = resolve(tokenizer, spec.attribute, params["warmup"]["steering"])
    tokens = dict(zip(spec.categories, steering.tokens, strict=True))
    lora = LoraParams(**params["lora"])
    with tempfile.TemporaryDirectory() as folder:
        common = common_arguments(hybrid, 0, Path(folder), args.steps * size)
        trainers = {}
        for name, precompute in (("stock", False), ("stock, reference precomputed", True)):
            model = stock_model(args.base, lora, precision)
            data = hybrid_rows(rows[: hybrid.rows], tokens, hybrid.rejected, spec)
            trainers[name] = stock_trainer(model, tokenizer, data, common, precompute)
        model = new_adapter(args.base, tokenizer, lora, steering, precision)
        ours = make_trainer(hybrid, model, tokenizer, rows, spec, steering, 0, Path(folder))
        trainers["ours"] = ours
        batches: dict[str, list] = {}
        for name, trainer in trainers.items():
            trainer.model.train()
            chunks = [range(at, at + size) for at in range(0, args.steps * size, size)]
            batches[name] = [
                trainer.data_collator([dict(trainer.train_dataset[i]) for i in chunk])
                for chunk in chunks
            ]
        rate = product_rate(precision)
        times: dict[str, list[float]] = {name: [] for name in trainers}
        for step in tqdm(range(args.steps), unit="step"):
            for name, trainer in trainers.items():
                batch = batches[name][step]
                spent = seconds(lambda t=trainer, b=batch: t.compute_loss(t.model, b))
                times[name].append(spent)
    useful = statistics.median(useful_operations(ours, batch) for batch in batches["ours"])
    median = {name: statistics.median(values[WARM_UP:]) for name, values in times.items()}
    for name, value in median.items():
        print(
            f"{name:30} {value:6.3f} s a step of {size} rows, {size / value:6.1f} rows/s, ", end=""
        )
        print(f"ours is {value / median['ours']:.1f} times as fast")
    share = useful / median["ours"] / rate
    print(
        f"{precision} products: {rate / 1e9:.0f} GFLOP/s; ours: {share:.0%} of it in useful "
        "operations"
    )


if __name__ == "__main__":
    main()
