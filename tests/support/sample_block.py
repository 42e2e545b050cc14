"""A `sample` block of params.yaml, of which tests change what they are about."""

from distalign.sampling.rounds import SampleParams

SAMPLE = SampleParams(
    seed=0,
    engine="transformers",
    workers=1,
    tensor_parallel=1,
    shard=500,
    n=4,
    rounds="independent",
    prompts="paraphrases",
    decoding="method",
    steering_decoding=True,
    temperature=1.0,
    top_p=1.0,
    top_k=0,
    max_tokens={"attribute": 6},
    max_tries=3,
)
