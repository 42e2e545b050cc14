"""Two-step sampling in tokens a second: this project's engines, and both libraries as they come.

The same prompts, policy and procedure, each engine in a process of its own, in one run:

* transformers: prompts are read as one tree (engines.transformers_engine).
* vLLM: one request a response; the steering token is drawn on the way (engines.vllm_engine).
* `generate` of transformers in batches of 64, after a forward pass for the first token.
* vLLM's defaults: `LLM(folder)`, one request for the probabilities of the steering tokens and
  a second one for the response after the drawn token.

    python -m benchmarks.sampling --base models/base/smollm2-135m \\
        --policy models/policy/smollm2-135m/attribute/uk_real/ours/0 \\
        --prompts data/prompts/uk_real/attribute.jsonl
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from distalign.engines.engine import Decoding, Engine, FirstToken
from distalign.engines.opening import open_engine
from distalign.machine.precision import (
    Precision,
    PrecisionParams,
    Wanted,
    has_gpu,
    native_bfloat16,
    torch_dtype,
)
from distalign.models.chat import chat_ids
from distalign.models.policy import merged, read_policy
from distalign.records.files import read_jsonl
from distalign.records.schemas import Prompt
from distalign.sampling.drawing import draw_independent
from distalign.sampling.rounds import restricted

DECODING = Decoding(temperature=1.0, top_p=1.0, top_k=0, max_tokens=33)
ENGINES = {
    "transformers": "engine: transformers",
    "vllm": "engine: vllm",
    "generate": "generate()",
    "defaults": "vLLM's defaults",
}


def run_engine(engine: Engine, prompts: list[list[int]], steering: list[int]) -> int:
    """Two-step sampling through the project's interface; tokens generated."""
    uniforms = np.random.default_rng(0).random(len(prompts))
    first = FirstToken(steering, lambda i, logps: draw_independent(restricted(logps), uniforms[i]))
    return sum(len(row.token_ids) for row in engine.generate(prompts, DECODING, 0, first))


def run_generate(model: Any, tokenizer: Any, prompts: list[list[int]], steering: list[int]) -> int:
    """Two-step sampling by `generate`, padded batches of 64; tokens generated."""
    uniforms = np.random.default_rng(0).random(len(prompts))
    tokenizer.padding_side, n_tokens = "left", 0
    for start in range(0, len(prompts), 64):
        batch = prompts[start : start + 64]
        with torch.inference_mode():
            inputs = tokenizer.pad({"input_ids": batch}, return_tensors="pt").to(model.device)
            logits = model(**inputs, logits_to_keep=1).logits[:, -1, steering]
            p = restricted(logits.float().cpu().numpy())
            begun = [
                [*ids, steering[draw_independent(row, u)]]
                for ids, row, u in zip(batch, p, uniforms[start:], strict=False)
            ]
            inputs = tokenizer.pad({"input_ids": begun}, return_tensors="pt").to(model.device)
            output = model.generate(
                **inputs, do_sample=True, top_k=0, max_new_tokens=DECODING.max_tokens - 1
            )
        answers = output[:, inputs["input_ids"].shape[1] :]
        n_tokens += len(batch) + int((answers != tokenizer.pad_token_id).sum())
    return n_tokens


def run_vllm(llm, prompts: list[list[int]], steering: list[int]) -> int:
    """Two-step sampling by two plain requests a response; tokens generated."""
    from vllm import SamplingParams

    look = SamplingParams(max_tokens=1, temperature=0, logprob_token_ids=steering)
    seen = llm.generate([{"prompt_token_ids": ids} for ids in prompts], look)
    rows = [output.outputs[0].logprobs[0] for output in seen]
    p = restricted(np.array([[row[token].logprob for token in steering] for row in rows]))
    uniforms = np.random.default_rng(0).random(len(prompts))
    started = [
        [*ids, steering[draw_independent(row, u)]]
        for ids, row, u in zip(prompts, p, uniforms, strict=True)
    ]
    wanted = SamplingParams(max_tokens=DECODING.max_tokens - 1, temperature=1.0)
    outputs = llm.generate([{"prompt_token_ids": ids} for ids in started], wanted)
    return sum(1 + len(output.outputs[0].token_ids) for output in outputs)


def measure(name: str, folder: Path, precision: Precision, job: Path) -> dict[str, float]:
    """Start an engine and sample once; seconds of each, and tokens."""
    work = json.loads(job.read_text(encoding="utf-8"))
    start = time.perf_counter()
    if name == "generate":
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch_dtype(precision))
        model.to("cuda" if has_gpu() else "cpu")
        ready = time.perf_counter()
        tokens = run_generate(model, tokenizer, work["prompts"], work["steering"])
    elif name == "defaults":
        # Its own default on CPU asks for nine tenths of the machine's memory.
        os.environ["VLLM_CPU_KVCACHE_SPACE"] = "2"
        from vllm import LLM

        llm = LLM(str(folder), dtype=precision, max_model_len=2048)
        ready = time.perf_counter()
        tokens = run_vllm(llm, work["prompts"], work["steering"])
    else:
        engine = open_engine(name, folder, precision)
        ready = time.perf_counter()
        tokens = run_engine(engine, work["prompts"], work["steering"])
    return {"start": ready - start, "sample": time.perf_counter() - ready, "tokens": tokens}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("base", "policy", "prompts"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--precision", choices=get_args(Wanted), default="auto")
    parser.add_argument("--n", type=int, default=200, help="responses")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    precision = PrecisionParams(args.precision).resolve(native_bfloat16())
    if args.child:
        name, folder, job = args.child
        result = measure(name, Path(folder), precision, Path(job))
        Path(job).with_name(f"{name}.json").write_text(json.dumps(result), encoding="utf-8")
        return
    policy = read_policy(args.policy)
    prompts = [p.prompt for p in read_jsonl(args.prompts, Prompt) if p.split == "test"]
    chosen = np.random.default_rng(0).choice(len(prompts), args.n, replace=False)
    with (
        merged(policy, args.policy, args.base, precision) as folder,
        tempfile.TemporaryDirectory() as name,
    ):
        tokenizer = AutoTokenizer.from_pretrained(folder)
        job = Path(name) / "job.json"
        ids = [chat_ids(tokenizer, prompts[i]) for i in sorted(chosen)]
        job.write_text(json.dumps({"prompts": ids, "steering": policy.steering.ids}))
        print(f"{args.n} responses in {precision} on {'GPU' if has_gpu() else 'CPU'}", flush=True)
        results: dict[str, dict[str, float]] = {}
        for engine, label in ENGINES.items():
            command = [sys.executable, "-m", "benchmarks.sampling", "--precision", precision]
            command += ["--child", engine]
            log = Path(name) / "log.txt"
            with log.open("w", encoding="utf-8") as file:
                done = subprocess.run([*command, str(folder), str(job)], stderr=file)
            if done.returncode != 0:
                sys.exit(f"{label} failed:\n{log.read_text(encoding='utf-8')[-3000:]}")
            row = results[engine] = json.loads((Path(name) / f"{engine}.json").read_text())
            rate = {key: value["tokens"] / value["sample"] for key, value in results.items()}
            times = rate["transformers"] / rate[engine]
            print(
                f"{label:20} start {row['start']:5.1f} s, sampling {row['sample']:6.1f} s, "
                f"{rate[engine]:6.0f} tokens/s, the first is {times:.2f} x as fast",
                flush=True,
            )


if __name__ == "__main__":
    main()
