"""What the commands share that take a file of answers and one of targets."""

import argparse
from pathlib import Path


def answers_parser(doc: str | None, out: str) -> argparse.ArgumentParser:
    """A parser of both files and of --out, which `out` describes."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("answers", type=Path)
    parser.add_argument("targets", type=Path)
    parser.add_argument("--out", type=Path, required=True, help=out)
    return parser
