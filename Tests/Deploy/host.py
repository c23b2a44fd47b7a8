"""What the tests of Deploy/ share: its folder, the executable under test, and reasons to skip.

PACELINE=path/to/paceline python3 -m unittest discover --start-directory Tests/Deploy
"""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "Deploy"
sys.path.insert(0, str(ROOT / "Tests" / "Measurements"))

import cluster  # noqa: E402, F401

MODEL = os.environ.get("PACELINE_TEST_MODEL", "smollm2-135m")
EXECUTABLE = pathlib.Path(shutil.which(os.environ.get("PACELINE", "paceline")) or "paceline").absolute()


def needs(**packages):
    """Skips unless each command is there; `needs(promtool="prometheus")` names the Debian package that has it.

    In the name of a command, - is written as _.
    """
    packages = {command.replace("_", "-"): package for command, package in packages.items()}
    # Root's folders are not on everybody's path.
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = {package for command, package in packages.items() if not shutil.which(command, path=path)}
    return unittest.skipIf(missing, f"needs {', '.join(sorted(missing))}; Deploy/test-packages.sh installs it")


def executable(name):
    """Its path: from a folder of PYTHONPATH, where pip puts executables in `bin` beside the modules, the PATH or root's
    folders; None if it is nowhere.
    """
    for folder in sys.path:
        found = shutil.which(name, path=str(pathlib.Path(folder) / "bin"))
        if found:
            return found
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


needs_executable = unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")


def run(*command, **options):
    """Runs a command to its end, and returns it with its output as text; standard error comes with it."""
    return subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )


class DeployCase(unittest.TestCase):
    maxDiff = None

    def succeed(self, *command, **options):
        """Runs a command that must succeed, and returns what it printed."""
        ended = run(*command, **options)
        self.assertEqual(ended.returncode, 0, f"{' '.join(map(str, command))}\n{ended.stdout}")
        return ended.stdout
