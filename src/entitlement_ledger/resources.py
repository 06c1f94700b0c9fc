"""Finding the files that come with the program: beside it when installed, else in the project."""

from __future__ import annotations

from pathlib import Path

from entitlement_ledger.errors import InputError


def resource_folder(name: str) -> Path:
    """Give the folder `sample_data` or `themes`.

    Raises:
        InputError: the program was installed without it.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / name, here.parents[1] / name):
        if folder.is_dir():
            return folder
    raise InputError(f"{name} did not come with this installation: install entl again")
