"""A folder, an OpenSSH server and an S3 server on loopback, each as a remote of DVC."""

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from distalign.llm.server import free_port

SSHD = Path("/usr/sbin/sshd")
START_S = 20


@dataclass(frozen=True)
class Remote:
    """What `dvc remote add` and `dvc remote modify` are told."""

    url: str
    settings: dict[str, str] = field(default_factory=dict)
    """In git."""
    credentials: dict[str, str] = field(default_factory=dict)
    """Of `.dvc/config.local`."""
    wrong: dict[str, str] = field(default_factory=dict)
    """Credentials that the server refuses."""
    environment: dict[str, str] = field(default_factory=dict)
    """Credentials of a clone without `.dvc/config.local`, as a job's is."""
    secrets: list[str] = field(default_factory=list)
    """Texts that must not be in git."""


@contextmanager
def folder_remote(folder: Path) -> Iterator[Remote]:
    yield Remote(str(folder / "remote"))


@contextmanager
def serving(port: int, log: Path, *command: str, **environment: str) -> Iterator[None]:
    """A server process from when it listens on the port."""
    with log.open("wb") as output:
        environ = {**os.environ, **environment}
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environ)
    try:
        end = time.monotonic() + START_S
        while not listens(port):
            late = server.poll() is not None or time.monotonic() > end
            assert not late, f"{command} does not listen:\n{log.read_text(encoding='utf-8')}"
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait(timeout=START_S)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def ssh_remote(folder: Path) -> Iterator[Remote]:
    """A server with keys of its own, which lets this user in with one key."""
    if not SSHD.exists():
        pytest.skip(f"no {SSHD}: apt-get install openssh-server")
    for name in ("host", "key", "stranger"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, timeout=60)
    home = folder / "home/.ssh"
    home.mkdir(parents=True)
    shutil.copy(folder / "key", home / "id_ed25519")
    if os.geteuid() == 0:
        # An empty folder that root's sshd asks for and that its system service makes.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port, user = free_port(), getpass.getuser()
    config = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "key.pub",
        "AllowUsers": user,
        "AuthenticationMethods": "publickey",
        "PermitRootLogin": "prohibit-password",
        "StrictModes": "no",  # a test's folder is below /tmp, where all may write
        "UsePAM": "no",
        "PidFile": "none",
        "Subsystem": "sftp internal-sftp",
    }
    lines = [f"{key} {value}\n" for key, value in config.items()]
    (folder / "sshd_config").write_text("".join(lines), encoding="utf-8")
    command = [str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")]
    with serving(port, folder / "sshd.log", *command):
        yield Remote(
            f"ssh://{user}@127.0.0.1:{port}{folder}/remote",
            credentials={"keyfile": str(folder / "key")},
            wrong={"keyfile": str(folder / "stranger")},
            environment={"HOME": str(home.parent)},
            secrets=[
                str(folder / "key"),
                (folder / "key").read_text(encoding="utf-8").splitlines()[3],
            ],
        )


def make_user(endpoint: str) -> dict[str, str]:
    """A bucket, and an access key that may do everything with S3: four requests."""

    def client(service: str) -> Any:
        keys = {"aws_access_key_id": "root", "aws_secret_access_key": "root"}
        return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1", **keys)

    client("s3").create_bucket(Bucket="bucket")
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    users = client("iam")
    users.create_user(UserName="user")
    users.put_user_policy(UserName="user", PolicyName="all", PolicyDocument=policy)
    return users.create_access_key(UserName="user")["AccessKey"]


@contextmanager
def s3_remote(folder: Path) -> Iterator[Remote]:
    """A server that checks the signature of every request but those that make the user."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with serving(port, folder / "s3.log", *command, INITIAL_NO_AUTH_ACTION_COUNT="4"):
        made = make_user(endpoint)
        key, secret = made["AccessKeyId"], made["SecretAccessKey"]
        yield Remote(
            "s3://bucket/distalign",
            settings={"endpointurl": endpoint},
            credentials={"access_key_id": key, "secret_access_key": secret},
            wrong={"access_key_id": key, "secret_access_key": "not-the-secret"},
            environment={"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret},
            secrets=[key, secret],
        )


REMOTES = {"folder": folder_remote, "ssh": ssh_remote, "s3": s3_remote}
