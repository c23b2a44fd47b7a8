"""Finds executables. Those of the packages in requirements.txt are where pip puts them: in `bin` beside the modules."""

import os
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def executable(name):
    """Its path, from a folder of PYTHONPATH, the PATH or root's folders; None if it is nowhere."""
    for folder in sys.path:
        found = shutil.which(name, path=str(pathlib.Path(folder) / "bin"))
        if found:
            return found
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
