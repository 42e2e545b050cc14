"""Measure a policy's probabilities at the first token against the target (tables 4 and 12)."""

from distalign.machine.provenance import here, write_provenance
from distalign.models.policy import check_base, merged, read_policy
from distalign.records.files import read_jsonl, read_source, read_spec, write_json
from distalign.records.schemas import Prompt
from distalign.sampling.prompts import is_applicable
from distalign.sampling.rounds import SampleParams
from stages.cli import block, parse, precision, run


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        prompts="JSONL file of prompts, of which the test split is used",
        base="folder of the base model",
        policy="folder of the method's policy",
        out="JSON file to write; empty where the method does not apply to the target",
        provenance="JSON file for what the figures were made with",
    )
    params = block(SampleParams, "sample")
    spec, policy = read_spec(args.spec), read_policy(args.policy)
    check_base(policy, read_source(args.base)["sha256"], args.policy)
    if not is_applicable(policy.method, spec):
        write_json(args.out, {})
        write_provenance(args.provenance)
        return
    used = precision()
    # Slow to import: not before flags are read.
    from transformers import AutoTokenizer

    from distalign.engines.opening import open_engine
    from distalign.probing.internal_alignment import first_token_shares, internal_metrics

    with merged(policy, args.policy, args.base, used) as whole:
        engine = open_engine(params.engine, whole, used, tensor_parallel=params.tensor_parallel)
        tokenizer = AutoTokenizer.from_pretrained(whole)
    prompts = read_jsonl(args.prompts, Prompt)
    shares = first_token_shares(engine, tokenizer, policy, spec, prompts)
    write_json(args.out, internal_metrics(*shares, spec))
    write_provenance(args.provenance, policy.trained, here(used))


if __name__ == "__main__":
    run(main)
