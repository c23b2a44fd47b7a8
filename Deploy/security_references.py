"""Checks that every hole that Protocols/SECURITY.md lists has a test named after it, where the table says so.

A row's first cell has the names; the last one has folders of Tests. In each of these folders, one of the names must
occur in the name of a test, and every name must occur in the name of some test. A test that is named after a hole must
be in the table.
"""

import pathlib
import re
import sys

NAME = re.compile(r"CVE-\d{4}-\d+|llama\.cpp #\d+|#\d+")
TEST = re.compile(r'@Test\(\s*"((?:CVE-|llama\.cpp #|GHSA-)[^"]*)"')


def rows(document: str) -> list[tuple[list[str], list[str]]]:
    """The names and the folders of each row of the table of references."""
    table = document.split("## References", 1)[1].split("\n## ", 1)[0]
    found = []
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = NAME.findall(cells[0]) if len(cells) == 5 else []
        if names:
            found.append((names, re.findall(r"`([^`]+)`", cells[4])))
    return found


def tests_below(folder: pathlib.Path) -> list[str]:
    return [name for file in sorted(folder.rglob("*.swift")) for name in TEST.findall(file.read_text())]


def main() -> int:
    problems = []
    table = rows(pathlib.Path("Protocols/SECURITY.md").read_text())
    if len(table) < 18:
        problems.append(f"Protocols/SECURITY.md: the table of references has {len(table)} rows, not 18 or more")
    everywhere = tests_below(pathlib.Path("Tests"))
    known = {name for names, _ in table for name in names}
    for names, folders in table:
        if not folders:
            problems.append(f"Protocols/SECURITY.md: {names[0]} names no folder of tests")
        for folder in folders:
            there = {name for test in tests_below(pathlib.Path("Tests") / folder) for name in NAME.findall(test)}
            if not there & set(names):
                problems.append(f"Tests/{folder}: no test is named after {names[0]}")
        for name in names:
            if not any(name in NAME.findall(test) for test in everywhere):
                problems.append(f"Protocols/SECURITY.md: no test is named after {name}")
    for test in everywhere:
        for name in NAME.findall(test):
            if name not in known:
                problems.append(f"Protocols/SECURITY.md: the table lacks {name}, which a test is named after")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
