"""Replays a Dockerfile's stages where there is no container engine: Debian's debootstrap stands for the base image, and
a changed root for the container. Knows just the instructions that Deploy/Dockerfile uses; others are errors.

What differs from an engine: no layers, no user namespace, no seccomp, the host's network, /proc and /dev. The build
stage is not replayed: the executable under test stands for what it makes. If that one is linked with Swift's libraries,
as builds for tests are, they are shown to it from the host; in an image they are in the executable itself.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import host

ROOT = host.ROOT
DOCKERFILE = ROOT / "Deploy" / "Dockerfile"
CACHE = ROOT / ".build" / "images"
# The base images that debootstrap can stand for, and what it calls them.
BASES = {"debian:bookworm-slim": "bookworm"}
# What RUN finds in its environment; an engine passes proxies on, too.
VARIABLES = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
VARIABLES |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
SETTINGS = ("CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "USER")


@dataclasses.dataclass
class Stage:
    """A stage: what it begins from, its steps (instruction, rest), and the settings that end up in the image."""

    name: str
    base: str
    steps: list[tuple[str, str]]


def stages(text):
    """The stages of a Dockerfile by their names."""
    found, current = {}, None
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if not line.strip():
            continue
        instruction, rest = line.split(None, 1)
        if instruction == "FROM":
            base, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()
            current = found[name] = Stage(name, base, [])
        else:
            current.steps.append((instruction, rest))
    return found


def steps_of(all_stages, name):
    """The base image, and all steps from there on."""
    stage = all_stages[name]
    if stage.base not in all_stages:
        return stage.base, list(stage.steps)
    base, before = steps_of(all_stages, stage.base)
    return base, before + stage.steps


def settings(steps):
    """What the image says about running it: the last of each, variables together, lists as lists."""
    found = {"ENV": {}}
    for instruction, rest in steps:
        if instruction == "ENV":
            found["ENV"] |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif instruction in ("CMD", "ENTRYPOINT"):
            found[instruction] = json.loads(rest)
        elif instruction in SETTINGS:
            found[instruction] = rest
    return found


def health_command(setting):
    """The command of a HEALTHCHECK, and its options."""
    options, command = setting.split("CMD", 1)
    return json.loads(command), dict(re.findall(r"--([a-z-]+)=(\S+)", options))


def swift_folder(executable):
    """The folder with the Swift libraries that the executable is linked with; None if it holds them itself."""
    linked = subprocess.run(["ldd", executable], capture_output=True, text=True, check=True).stdout
    found = re.search(r"libswiftCore\.so => (\S+)/libswiftCore\.so", linked)
    return found and found[1]


def _copy(step, root, executable):
    """COPY: files of the repository, or the executable that the build stage makes."""
    source, target = re.sub(r"--from=\S+ ", "", step).split()
    if "--from=" in step:
        if (step.split()[0], source) != ("--from=build", "/paceline"):
            raise AssertionError(f"COPY {step}: not what the build stage makes")
        source = executable
    shutil.copy2(ROOT / source, root + target)
    os.chown(root + target, 0, 0)


def _replay(root, steps, executable):
    for instruction, rest in steps:
        if instruction == "RUN":
            command = ["chroot", root, "/bin/sh", "-c", rest]
            run = subprocess.run(command, env=VARIABLES, capture_output=True, text=True)
            if run.returncode != 0:
                raise AssertionError(f"RUN {rest}: {run.stdout[-2000:]}{run.stderr[-2000:]}")
        elif instruction == "COPY":
            _copy(rest, root, executable)
        elif instruction not in SETTINGS:
            raise AssertionError(f"{instruction} {rest}: cannot be replayed")


def _base(name):
    """The folder of a fresh base system; kept for the next time."""
    folder = CACHE / BASES[name]
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        half = CACHE / "half"
        shutil.rmtree(half, ignore_errors=True)
        command = [host.executable("debootstrap"), "--variant=minbase", BASES[name], half]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode != 0:
            raise AssertionError(f"debootstrap: {made.stdout[-2000:]}{made.stderr[-2000:]}")
        half.rename(folder)
    return folder


def build(name, executable):
    """Replays a stage and those before it. Returns its root folder and its settings. Kept while the steps stay."""
    base, steps = steps_of(stages(DOCKERFILE.read_text()), name)
    digest = hashlib.sha256(json.dumps(steps).encode()).hexdigest()
    root, stamp = CACHE / name, CACHE / f"{name}.sha256"
    if not root.exists() or not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["cp", "--archive", "--reflink=auto", _base(base), root], check=True)
        _replay(str(root), steps, executable)
        stamp.write_text(digest)
    # The files may be newer than the folder, above all the executable.
    for instruction, rest in steps:
        if instruction == "COPY":
            _copy(rest, str(root), executable)
    return root, settings(steps)


# Mounts are the process's own, and go with it. The root is read-only, as with --read-only; so is the model.
RUN = """
set -e
mount --make-rprivate /
mount --bind {root} {root}
mkdir -p {root}/models {root}{swift}
mount --bind {models} {root}/models
mount --bind {swift} {root}{swift}
mount -t proc proc {root}/proc
mount --bind /dev {root}/dev
for each in "" /models {swift}; do mount -o remount,bind,ro {root}$each; done
exec chroot {root} /usr/bin/setpriv --reuid={uid} --regid={gid} --clear-groups --bounding-set=-all --inh-caps=-all \\
    --no-new-privs -- /usr/bin/env -i {environment} {command} "$@"
"""


def launcher(folder, root, image, models, executable, command=None):
    """Writes a script that runs the image, or another command in it, with the script's arguments; returns its path."""
    swift = swift_folder(executable) or "/opt"
    uid, gid = image["USER"].split(":")
    variables = {"PATH": "/usr/local/bin:/usr/bin:/bin"} | image["ENV"]
    variables |= {"LD_LIBRARY_PATH": swift} if swift_folder(executable) else {}
    body = RUN.format(
        root=root,
        models=models,
        swift=swift,
        uid=uid,
        gid=gid,
        environment=" ".join(f"{key}={shlex.quote(value)}" for key, value in variables.items()),
        command=shlex.join(command or image["ENTRYPOINT"]),
    )
    script = pathlib.Path(folder) / "run"
    script.write_text(f'#!/bin/sh\nexec unshare --mount /bin/sh -c {shlex.quote(body)} run "$@"\n')
    script.chmod(0o755)
    return str(script)
