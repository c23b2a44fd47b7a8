"""Checks the types of what release builds compile differently, without the minutes that a release build takes.

Modules with `#if DEBUG` are compiled again without that flag, up to their types, against the modules of a finished
debug build. Needs only the standard library.

    python3 Deploy/release_types.py
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANIFEST = ROOT / ".build/debug.yaml"
# Of the arguments of a build: those of objects, modules and indexes, by how many words follow.
DROPPED = {
    "-c": 0,
    "-DDEBUG": 0,
    "-emit-dependencies": 0,
    "-emit-module": 0,
    "-emit-module-path": 1,
    "-enable-batch-mode": 0,
    "-incremental": 0,
    "-index-store-path": 1,
    "-output-file-map": 1,
    "-parseable-output": 0,
    "-serialize-diagnostics": 0,
}


def modules():
    """The folders of modules that are not the same in both kinds of build."""
    for folder in sorted((ROOT / "Sources").iterdir()):
        if any(re.search(r"^\s*#if DEBUG", path.read_text(), re.M) for path in folder.rglob("*.swift")):
            yield folder.name


def commands():
    """The compiler's arguments by module."""
    begin = re.compile(r'^    args: (\["[^"]*swiftc","-module-name","(\w+)",.*\])$')
    with MANIFEST.open() as lines:
        matches = filter(None, map(begin.match, lines))
        return {match[2]: json.loads(match[1]) for match in matches}


def release(arguments):
    words = iter(arguments)
    for word in words:
        if word in DROPPED:
            for _ in range(DROPPED[word]):
                next(words)
        else:
            yield word
    yield "-typecheck"


def main():
    if not MANIFEST.exists():
        sys.exit(f"release_types: {MANIFEST} is not there; run: swift build --build-tests")
    known = commands()
    failed = []
    for name in modules():
        if name not in known:
            sys.exit(f"release_types: the build does not know {name}; run: swift build --build-tests")
        if subprocess.run([*release(known[name])], cwd=ROOT).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"release_types: {', '.join(failed)} cannot be compiled for release (see above)")


if __name__ == "__main__":
    main()
