"""What the commands share that take a trained policy."""

from pathlib import Path

from distalign.records.schemas import InputError


def check_trained(policy: Path) -> None:
    """Raises InputError before anything else is missed of what training makes."""
    from distalign.models.policy import DESCRIPTION  # slow to import: not before flags are read

    if not (policy / DESCRIPTION).is_file():
        raise InputError(
            f"{policy}: there is no policy yet; `make repro` trains those of the scale, "
            "`dvc pull` fetches those that were shared"
        )
