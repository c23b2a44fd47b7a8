"""Checks that every dependency in Package.swift is used, and that every import is declared there.

A target uses a dependency if one of its files imports it or, in C, includes one of its headers. A system library counts
as used if a file includes a header that its shim names. A package counts as used if a target uses one of its products.
In the other direction, a target must declare each module that its Swift files import, unless the toolchain or the
system supplies it. The build misses an import that another dependency brings along.
"""

import json
import pathlib
import re
import subprocess
import sys

IMPORT = re.compile(
    r"^\s*(?:@\w+\s+)*(?:(?:public|package|internal|private|fileprivate)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)",
    re.MULTILINE,
)
# What the toolchain and the system supply.
SYSTEM_MODULES = {
    "Dispatch",
    "Foundation",
    "FoundationEssentials",
    "FoundationNetworking",
    "Glibc",
    "Synchronization",
    "Testing",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def folder_of(target: dict) -> pathlib.Path:
    kind = "Tests" if target["type"] == "test" else "Sources"
    return pathlib.Path(target.get("path") or f"{kind}/{target['name']}")


def imports_of(folder: pathlib.Path) -> dict[pathlib.Path, set[str]]:
    """The modules that each Swift file imports, and the headers that each C file includes."""
    found: dict[pathlib.Path, set[str]] = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix == ".swift":
            found[file] = set(IMPORT.findall(file.read_text()))
        elif file.suffix in (".c", ".h", ".inc"):
            found[file] = set(INCLUDE.findall(file.read_text()))
    return found


def undeclared(target: dict, imports: dict[pathlib.Path, set[str]]) -> list[str]:
    """Imports in Swift files of modules that the target does not declare."""
    declared = {name_of(dependency) for dependency in target["dependencies"]} | SYSTEM_MODULES
    return [
        f"{file}: imports {module}, which Package.swift does not declare for {target['name']}"
        for file, modules in imports.items()
        if file.suffix == ".swift"
        for module in sorted(modules - declared)
    ]


def name_of(dependency: dict) -> str:
    (value,) = dependency.values()
    return value[0]


def is_used(name: str, imports: set[str], folders: dict[str, pathlib.Path]) -> bool:
    if name in imports:
        return True
    # A C target is used through its headers, a system library through the headers that its shim names.
    folder = folders.get(name)
    if folder is None:
        return False
    headers = {str(file.relative_to(folder / "include")) for file in (folder / "include").rglob("*.h")}
    shim = folder / "shim.h"
    if shim.exists():
        headers.update(INCLUDE.findall(shim.read_text()))
    return bool(headers & imports)


def main() -> int:
    manifest = json.loads(subprocess.run(["swift", "package", "dump-package"], check=True, capture_output=True).stdout)
    folders = {target["name"]: folder_of(target) for target in manifest["targets"]}
    problems, packages = [], set()
    for target in manifest["targets"]:
        by_file = imports_of(folders[target["name"]])
        imports = set().union(*by_file.values())
        problems += undeclared(target, by_file)
        for dependency in target["dependencies"]:
            name = name_of(dependency)
            if "product" in dependency:
                packages.add(dependency["product"][1])
            # Tests that depend on an executable run it instead of importing it.
            is_program = any(other["name"] == name and other["type"] == "executable" for other in manifest["targets"])
            if not is_program and not is_used(name, imports, folders):
                problems.append(f"Package.swift: {target['name']} declares {name} but does not use it")
    for dependency in manifest["dependencies"]:
        for kind in dependency.values():
            if kind[0]["identity"] not in packages:
                problems.append(f"Package.swift: no target uses the package {kind[0]['identity']}")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
