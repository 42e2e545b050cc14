"""Serve a model on loopback with vLLM's OpenAI-compatible server, for as long as it is needed."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from distalign.engines.vllm_settings import server_command, vllm_environment
from distalign.machine.precision import PrecisionParams, native_bfloat16
from distalign.records.schemas import InputError

START_LIMIT_S = 600
STOP_LIMIT_S = 20
LOOPBACK = "127.0.0.1"


class ModelServer:
    """A vLLM server in a process group of its own; `start` is idempotent.

    Args:
        folder: model with tokenizer.
        name: the name that clients ask for.
        precision: of params.yaml; looked at when the server starts, as it costs a second.
        log: file that receives what the server prints.
    """

    def __init__(self, folder: Path, name: str, precision: PrecisionParams, log: Path) -> None:
        self._folder = folder
        self._name = name
        self._precision = precision
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.base_url = ""

    def start(self) -> None:
        """Start and wait until healthy. Raises InputError with the log's end if it dies."""
        if self._process is not None:
            return
        port = free_port()
        self.base_url = f"http://{LOOPBACK}:{port}/v1"
        arguments: dict[str, str | int | bool] = {
            "served_model_name": self._name,
            "host": LOOPBACK,
            "port": port,
        }
        command = server_command(
            self._folder, self._precision.resolve(native_bfloat16()), arguments
        )
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **vllm_environment()},
                start_new_session=True,
            )
        try:
            self._wait(self._process, port)
        except BaseException:
            self.stop()
            raise

    def _wait(self, process: subprocess.Popen[bytes], port: int) -> None:
        # Whatever proxy the environment names, it does not know this machine's loopback.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                tail = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise InputError(f"vLLM's server ended at start; end of {self._log}:\n{tail}")
            try:
                with direct.open(f"http://{LOOPBACK}:{port}/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        raise InputError(f"vLLM's server is not healthy after {START_LIMIT_S} s; see {self._log}")

    def stop(self) -> None:
        """End the server and its children."""
        if self._process is None:
            return
        # Nothing is left to signal where the server ended by itself.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._process = None


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return listener.getsockname()[1]
