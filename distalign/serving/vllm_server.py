"""vLLM's OpenAI-compatible server with a policy; `tools.serve` runs it as a process of its own.

It takes the flags of vLLM's server. What it serves comes in the environment, as `Served`.
"""

import os
from argparse import Namespace

import uvloop
from vllm.entrypoints.launchers.api_server.entry import build_and_serve, build_async_engine_client
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.entrypoints.launchers.launcher import setup_server
from vllm.entrypoints.serve.utils.api_utils import cli_env_setup
from vllm.lora.request import LoRARequest
from vllm.utils.argparse_utils import FlexibleArgumentParser

from distalign.serving.served import VARIABLE, Served
from distalign.serving.steered import SteeredGenerate


async def serve(args: Namespace, served: Served) -> None:
    """As vLLM's own `run_server`, but for the engine's `generate`."""
    address, sock = setup_server(args, reuse_port=False)
    adapter = LoRARequest("policy", 1, str(served.adapter))
    async with build_async_engine_client(args) as engine:
        engine.generate = SteeredGenerate(engine.generate, adapter, served.steering)
        await engine.add_lora(adapter)
        stopped = await build_and_serve(engine, address, sock, args)
    try:
        await stopped
    finally:
        sock.close()


def main() -> None:
    cli_env_setup()
    args = make_arg_parser(FlexibleArgumentParser()).parse_args()
    validate_parsed_serve_args(args)
    uvloop.run(serve(args, Served.model_validate_json(os.environ[VARIABLE])))


if __name__ == "__main__":
    main()
