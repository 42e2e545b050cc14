"""Serve a trained policy with vLLM's OpenAI-compatible server, on loopback unless told otherwise.

Any OpenAI client that asks the policy's question gets answers in the target proportions, without
seeing a steering token; other questions get the base model's answer. Clients need a key if
VLLM_API_KEY is in the environment.

    distalign-serve --policy models/policy/smollm2-135m/attribute/uk_real/ours/0 \\
        --base models/base/smollm2-135m
    curl http://127.0.0.1:8000/v1/models

`make serve` does it with that policy. It runs until it is interrupted.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from distalign.engines.vllm_settings import server_command, vllm_environment
from distalign.models.policy import check_base, read_policy
from distalign.records.files import read_source
from distalign.serving.served import VARIABLE, Served, check_servable, room_for, served_parts
from stages.cli import precision, run
from tools.policies import check_trained

SERVER = "distalign.serving.vllm_server"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--policy", type=Path, required=True, help="folder of the policy")
    parser.add_argument("--base", type=Path, required=True, help="folder of its base model")
    parser.add_argument("--name", default="distalign", help="model name that clients ask for")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    args = parser.parse_args()
    check_trained(args.policy)
    policy = read_policy(args.policy)
    check_base(policy, read_source(args.base)["sha256"], args.policy)
    check_servable(policy, args.policy)
    used = precision()
    with served_parts(policy, args.policy, args.base, used) as (base, adapter):
        arguments = {
            "served_model_name": args.name,
            "host": args.host,
            "port": args.port,
            "enable_lora": True,
            "max_lora_rank": room_for(adapter),
            # On a CPU a request without an adapter gets the last slot's, if one with an adapter
            # is computed beside it (index -1 in vLLM's torch_ops): that slot stays empty, zeros.
            "max_loras": 2,
        }
        served = Served(adapter=adapter.resolve(), steering=policy.steering)
        environment = vllm_environment() | {VARIABLE: served.model_dump_json()}
        command = server_command(base, used, arguments, SERVER)
        process = subprocess.Popen(command, env={**os.environ, **environment})
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        with contextlib.suppress(KeyboardInterrupt):  # the server gets it too
            process.wait()
        sys.exit(process.wait())


def command() -> None:
    """As a console command."""
    run(main)


if __name__ == "__main__":
    command()
