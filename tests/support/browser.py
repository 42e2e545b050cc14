"""A page as a real browser leaves it, where Debian's package chromium is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def dump_dom(address: str, folder: Path) -> str:
    """The document after its scripts have run; skips the test without a browser."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed (Debian's package chromium)")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    flags += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=3000"]
    done = subprocess.run(
        [chromium, *flags, "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HOME": str(folder)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
