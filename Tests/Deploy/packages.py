"""Executables that the packages of requirements.txt bring along: pip puts them into `bin` beside the modules."""

import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def executable(name):
    """Its path, from a folder of PYTHONPATH or the PATH; None if it is in neither."""
    for folder in sys.path:
        found = shutil.which(name, path=str(pathlib.Path(folder) / "bin"))
        if found:
            return found
    return shutil.which(name)
