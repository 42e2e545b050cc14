"""Servers that several files ask."""

import sys
from collections.abc import Iterator

import pytest

from distalign.engines.vllm_settings import server_command, vllm_environment
from stages.cli import precision
from tests.support.policy_server import BASE, POLICY, PORT, running


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The policy, as `make serve` runs it."""
    command = [sys.executable, "-m", "tools.serve", "--policy", str(POLICY)]
    command += ["--base", str(BASE), "--port", str(PORT)]
    with running(command, PORT, tmp_path_factory.mktemp("serve") / "log.txt") as url:
        yield url


@pytest.fixture(scope="session")
def base_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base model behind vLLM's own server."""
    arguments = {"served_model_name": "distalign", "port": PORT + 1, "host": "127.0.0.1"}
    command = server_command(BASE, precision(), arguments)
    log = tmp_path_factory.mktemp("base") / "log.txt"
    with running(command, PORT + 1, log, **vllm_environment()) as url:
        yield url
