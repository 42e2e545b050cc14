"""Join the preference data of both settings into that of one training."""

from itertools import chain

import numpy as np

from distalign.data.pair import MixParams, interleave
from distalign.records.files import read_jsonl, write_jsonl
from distalign.records.schemas import Preference, Prompt
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        attribute="JSONL file of D_pref in the attribute setting",
        story="JSONL file of D_pref in the story setting",
        attribute_validation="JSONL file of validation prompts in the attribute setting",
        story_validation="JSONL file of validation prompts in the story setting",
        out="JSONL file for D_pref",
        validation="JSONL file for the validation prompts",
    )
    rng = np.random.default_rng(block(MixParams, "mix").seed)
    rows = chain(read_jsonl(args.attribute, Preference), read_jsonl(args.story, Preference))
    files = args.attribute_validation, args.story_validation
    unseen = chain.from_iterable(read_jsonl(file, Prompt) for file in files)
    write_jsonl(args.out, interleave(list(rows), rng))
    write_jsonl(args.validation, interleave(list(unseen), rng))


if __name__ == "__main__":
    run(main)
