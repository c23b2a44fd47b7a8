"""Kubernetes' manifests as the tests read them: rendered by kubectl, and each container's command line resolved.

Used by the tests beside it. Needs the packages of requirements.txt.
"""

import copy
import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "Deploy" / "kubernetes"
VARIANTS = sorted(str(file.parent.relative_to(FOLDER)) for file in FOLDER.rglob("kustomization.yaml"))
# Those that run something; `common` is only a part of the others.
COMPLETE = [variant for variant in VARIANTS if variant != "common"]


@functools.cache
def kubectls():
    """Debian's kubectl and the one on the PATH, by their origin; empty where neither can be had."""
    found = {}
    unpacked = ROOT / ".build" / "kubernetes-client" / "usr" / "bin" / "kubectl"
    if unpacked.exists():
        found["Debian"] = str(unpacked)
    on_path = shutil.which("kubectl")
    if on_path:
        found["PATH"] = on_path
    return found


@functools.cache
def _rendered(kubectl, variant):
    run = subprocess.run([kubectl, "kustomize", FOLDER / variant], capture_output=True, text=True)
    if run.returncode != 0:
        raise AssertionError(f"{kubectl} kustomize {variant}: {run.stderr}")
    return list(yaml.safe_load_all(run.stdout))


def render(variant, origin=None):
    """The objects of a variant, in an order of their own, which is not every kubectl's."""
    found = kubectls()
    objects = copy.deepcopy(_rendered(found[origin or next(iter(found))], variant))
    return sorted(objects, key=lambda each: (each["kind"], each["metadata"]["name"]))


def render_over(variant, registry, origin):
    """The objects of an overlay over the variant that takes its images from the registry."""
    build = ROOT / ".build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as folder:
        images = [{"name": name, "newName": f"{registry}/{name}"} for name in ("paceline", "paceline-worker")]
        wanted = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "images": images}
        wanted["bases"] = [os.path.relpath(FOLDER / variant, folder)]
        (pathlib.Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(wanted))
        run = subprocess.run([kubectls()[origin], "kustomize", folder], capture_output=True, text=True)
        if run.returncode != 0:
            raise AssertionError(run.stderr)
        return list(yaml.safe_load_all(run.stdout))


def of_kind(objects, *kinds):
    return [each for each in objects if each["kind"] in kinds]


class Workload:
    """One Pod template, and the object that it is in."""

    def __init__(self, name, template, variant, extra=()):
        self.name, self.variant = f"{variant}: {name}", variant
        self.labels, self.spec = template["metadata"].get("labels", {}), template["spec"]
        # Variables that a controller adds before the manifest's own.
        self.extra = dict(extra)
        self.template = template

    @property
    def component(self):
        return self.labels["app.kubernetes.io/component"]

    @property
    def container(self):
        (container,) = self.spec["containers"]
        return container


def workloads(objects, variant):
    """All Pod templates of the objects."""
    found = []
    for each in objects:
        name = each["metadata"]["name"]
        if each["kind"] == "Deployment":
            found.append(Workload(name, each["spec"]["template"], variant))
        elif each["kind"] == "Pod":
            found.append(Workload(name, each, variant))
        elif each["kind"] == "LeaderWorkerSet":
            group = each["spec"]["leaderWorkerTemplate"]
            address = {"LWS_LEADER_ADDRESS": f"{name}-0.{name}.{each['metadata']['namespace']}"}
            for role in ("leaderTemplate", "workerTemplate"):
                found.append(Workload(f"{name} {role}", group[role], variant, address))
    return found


def verifier(objects):
    """The only Pod template of verifiers."""
    (found,) = [each for each in workloads(objects, "") if each.component == "verifier"]
    return found


def environment(workload, container, objects, secrets):
    """The variables that Kubernetes would set."""
    maps = {each["metadata"]["name"]: each["data"] for each in of_kind(objects, "ConfigMap")}
    values = dict(workload.extra)
    for variable in container.get("env", []):
        source = variable.get("valueFrom", {})
        if "configMapKeyRef" in source:
            values[variable["name"]] = maps[source["configMapKeyRef"]["name"]][source["configMapKeyRef"]["key"]]
        elif "secretKeyRef" in source:
            values[variable["name"]] = secrets[source["secretKeyRef"]["name"]][source["secretKeyRef"]["key"]]
        elif "resourceFieldRef" in source:
            kind, resource = source["resourceFieldRef"]["resource"].split(".")
            # Kubernetes rounds fractions of a processor up.
            values[variable["name"]] = str(container["resources"][kind][resource])
        else:
            values[variable["name"]] = variable["value"]
    return values


def arguments(container, values):
    """The arguments with $(NAME) replaced, as Kubernetes does it: unknown names stay."""
    return [
        re.sub(r"\$\((\w+)\)", lambda found: values.get(found[1], found[0]), each) for each in container.get("args", [])
    ]


def selects(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def seconds(duration):
    """Of a duration as in `--grace=1m` or `--drain-delay=500ms`."""
    number, unit = re.fullmatch(r"([0-9.]+)(ms|s|m|h)", duration).groups()
    return float(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]


def option(line, name):
    """The value of --name=value."""
    (value,) = [each.split("=", 1)[1] for each in line if each.startswith(f"--{name}=")]
    return value
