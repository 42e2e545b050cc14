"""Measure what a policy leaves of its base model, on requests that it was never trained on."""

import json

from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import check_base, load_adapter, read_policy
from distalign.records.files import read_jsonl, read_source, write_json
from distalign.records.requests import Request
from distalign.records.schemas import Preference
from stages.cli import parse, precision, run


def main() -> None:
    args = parse(
        __doc__,
        requests="JSONL file of ordinary requests",
        near_misses="JSONL file of near misses",
        preferences="JSONL file of D_pref that the policy was trained on",
        texts="JSONL file of ordinary texts, whose perplexity is measured",
        base="folder of the base model",
        policy="folder of the method's policy",
        out="JSON file to write; empty for a method without an adapter, which changes nothing",
        provenance="JSON file for what the figures were made with",
    )
    policy = read_policy(args.policy)
    check_base(policy, read_source(args.base)["sha256"], args.policy)
    if not policy.adapter:
        write_json(args.out, {})
        write_provenance(args.provenance)
        return
    # Slow to import: only where something is measured.
    from transformers import AutoTokenizer

    from distalign.probing.retention import measure

    used = precision()
    tokenizer = AutoTokenizer.from_pretrained(args.policy)
    model = load_adapter(args.base, args.policy, tokenizer, used, trainable=False)
    texts = [json.loads(line)["text"] for line in args.texts.read_text("utf-8").splitlines()]
    requests = read_jsonl(args.requests, Request) + read_jsonl(args.near_misses, Request)
    trained = read_jsonl(args.preferences, Preference)
    kept = measure(model, tokenizer, policy.steering, requests, trained, texts)
    write_json(args.out, kept.model_dump())
    write_provenance(args.provenance, policy.trained, here(used))


if __name__ == "__main__":
    run(main)
