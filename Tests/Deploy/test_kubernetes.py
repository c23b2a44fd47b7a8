"""Deploy/kubernetes: every variant renders, is valid for the newest Kubernetes, and fits together.

    pip install --target /tmp/deploy -r Tests/Deploy/requirements.txt
    PYTHONPATH=/tmp/deploy python3 -m unittest discover --start-directory Tests/Deploy

Built-in kinds are checked by kubernetes-validate, the others against schemas/. Nothing here asks a cluster.
"""

import copy
import json
import pathlib
import re
import unittest

try:
    import jsonschema
    import kubernetes_validate
    import manifests
    import referencing
    import yaml
except ImportError as error:
    raise unittest.SkipTest(f"{error}; install Tests/Deploy/requirements.txt") from None

KUBERNETES = "1.37"
SCHEMAS = {
    schema.stem: json.loads(schema.read_text()) for schema in (pathlib.Path(__file__).parent / "schemas").glob("*.json")
}
# Objects with keys of one's own, and those that another test checks.
FREE = {"annotations", "data", "labels", "limits", "matchLabels", "requests", "leaderTemplate", "workerTemplate"}
CUSTOM = ("InferencePool", "LeaderWorkerSet", "ScaledObject")
PICKER = manifests.FOLDER / "overlays" / "inference-pool" / "endpoint-picker.yaml"


def schema_faults(schema, thing):
    registry = referencing.Registry().with_resources(
        (f"{name}.json", referencing.Resource.from_contents(contents)) for name, contents in SCHEMAS.items()
    )
    validator = jsonschema.Draft202012Validator(SCHEMAS[schema], registry=registry)
    return [f"{'/'.join(map(str, fault.path))}: {fault.message}" for fault in validator.iter_errors(thing)]


def faults(thing):
    """Why Kubernetes would refuse the object; empty if it would not."""
    if thing["kind"] in CUSTOM:
        return schema_faults(thing["kind"].lower(), thing)
    try:
        kubernetes_validate.validate(thing, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as fault:
        return [f"{'/'.join(map(str, fault.path))}: {fault.message}"]
    return []


def picker_config():
    chart = yaml.safe_load(PICKER.read_text())["router"]["epp"]
    return yaml.safe_load(chart["pluginsCustomConfig"][chart["pluginsConfigFile"]])


def objects_in(thing, path=()):
    """Every JSON object in the thing, with the way to it."""
    if isinstance(thing, dict):
        yield path, thing
        for key, value in thing.items():
            yield from objects_in(value, (*path, key))
    elif isinstance(thing, list):
        for index, value in enumerate(thing):
            yield from objects_in(value, (*path, index))


@unittest.skipUnless(manifests.kubectls(), "no kubectl: run Deploy/kubernetes/tools.sh")
class KubernetesCase(unittest.TestCase):
    # What is looked at; begins every message.
    subject = ""

    def _formatMessage(self, message, standard):
        return f"{self.subject}: {super()._formatMessage(message, standard)}"

    def each_variant(self, variants=manifests.VARIANTS):
        for variant in variants:
            self.subject = variant
            yield variant, manifests.render(variant)

    def each_workload(self, component=None):
        for variant, objects in self.each_variant(manifests.COMPLETE):
            for workload in manifests.workloads(objects, variant):
                self.subject = workload.name
                if component in (None, workload.component):
                    yield workload, objects


class Rendering(KubernetesCase):
    def test_every_kubectl_renders_the_same(self):
        def shown(objects):
            for thing in objects:
                # Some versions write empty ones.
                for key in ("annotations", "labels"):
                    if thing["metadata"].get(key) == {}:
                        del thing["metadata"][key]
            # The hash at the end of a ConfigMap's name differs between versions.
            return re.sub(r"(paceline-model)-[0-9a-z]{10}", r"\1-HASH", json.dumps(objects, sort_keys=True))

        for variant, objects in self.each_variant():
            for origin in manifests.kubectls():
                self.assertEqual(shown(objects), shown(manifests.render(variant, origin)), origin)

    def test_an_overlay_of_ones_own_names_the_registry_for_all_images(self):
        for variant in manifests.COMPLETE:
            self.subject = variant
            for origin in manifests.kubectls():
                objects = manifests.render_over(variant, "registry.example", origin)
                images = {
                    container["image"]
                    for workload in manifests.workloads(objects, variant)
                    for container in workload.spec["containers"] + workload.spec.get("initContainers", [])
                }
                self.assertLessEqual(
                    images, {f"registry.example/{name}:0.1.0" for name in ("paceline", "paceline-worker")}, origin
                )

    def test_all_is_in_one_namespace(self):
        for _, objects in self.each_variant():
            for thing in objects:
                if thing["kind"] != "Namespace":
                    self.assertEqual(thing["metadata"].get("namespace"), "paceline", thing)

    def test_what_a_variant_is_for_is_in_it(self):
        kinds = {variant: {each["kind"] for each in objects} for variant, objects in self.each_variant()}
        self.assertLessEqual({"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"}, kinds["base"])
        self.assertLessEqual({"HorizontalPodAutoscaler", "ScaledObject"}, kinds["overlays/autoscaling"])
        self.assertIn("InferencePool", kinds["overlays/inference-pool"])
        self.assertIn("LeaderWorkerSet", kinds["overlays/leader-worker-set"])
        self.assertNotIn("Deployment", kinds["overlays/leader-worker-set"])


class Validity(KubernetesCase):
    def test_every_object_is_valid(self):
        for _, objects in self.each_variant():
            for thing in objects:
                self.assertEqual(faults(thing), [], thing["kind"])

    def test_templates_of_groups_are_valid(self):
        for workload, _ in self.each_workload():
            wrapped = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "x"}}
            metadata = {key: value for key, value in workload.template["metadata"].items() if key != "name"}
            wrapped["template"] = {"metadata": metadata, "spec": workload.spec}
            self.assertEqual(faults(wrapped), [])

    def test_unknown_fields_are_errors_everywhere(self):
        for variant, objects in self.each_variant(manifests.COMPLETE):
            for thing in objects:
                # One variant shows that kubernetes-validate is as strict as asked.
                if thing["kind"] not in CUSTOM and variant != "base":
                    continue
                for path, _ in objects_in(thing):
                    if FREE & set(path):
                        continue
                    changed = copy.deepcopy(thing)
                    inner = changed
                    for step in path:
                        inner = inner[step]
                    inner["notAField"] = 1
                    self.assertNotEqual(faults(changed), [], f"{thing['kind']} {path}")

    def test_endpoint_picker_is_valid(self):
        self.assertEqual(schema_faults("endpointpickerconfig", picker_config()), [])
        for path, _ in objects_in(picker_config()):
            changed = picker_config()
            inner = changed
            for step in path:
                inner = inner[step]
            inner["notAField"] = 1
            self.assertNotEqual(schema_faults("endpointpickerconfig", changed), [], path)


class Pods(KubernetesCase):
    def test_pods_are_hardened(self):
        for workload, _ in self.each_workload():
            pod = workload.spec["securityContext"]
            self.assertTrue(pod["runAsNonRoot"])
            self.assertEqual(pod["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertFalse(workload.spec["automountServiceAccountToken"])
            # Else a Service named paceline sets PACELINE_PORT and more, which look like settings.
            self.assertFalse(workload.spec["enableServiceLinks"])
            for container in workload.spec["containers"] + workload.spec.get("initContainers", []):
                self.assertEqual(
                    container["securityContext"],
                    {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                )
                self.assertIn("memory", container["resources"]["limits"])

    def test_pods_end_in_time(self):
        for workload, _ in self.each_workload("verifier"):
            line = workload.container["args"]
            delay = manifests.seconds(manifests.option(line, "drain-delay"))
            grace = manifests.seconds(manifests.option(line, "grace"))
            self.assertGreater(workload.spec["terminationGracePeriodSeconds"], delay + grace + 5)
            probe = workload.container["readinessProbe"]
            self.assertGreater(delay, probe["periodSeconds"] * probe["failureThreshold"] + 5)
            start = workload.container["startupProbe"]
            self.assertGreaterEqual(start["periodSeconds"] * start["failureThreshold"], 600)

    def test_probes_and_services_name_ports_of_the_container(self):
        for workload, objects in self.each_workload("verifier"):
            line, container = workload.container["args"], workload.container
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            self.assertTrue(manifests.option(line, "http").endswith(f":{ports['http']}"))
            self.assertTrue(manifests.option(line, "listen").endswith(f":{ports['link']}"))
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                self.assertEqual(container[probe]["httpGet"]["port"], "http")
            for service in manifests.of_kind(objects, "Service"):
                for port in service["spec"]["ports"]:
                    self.assertEqual(ports[port["targetPort"]], port["port"])
            for pool in manifests.of_kind(objects, "InferencePool"):
                self.assertEqual(pool["spec"]["targetPorts"], [{"number": ports["http"]}])


class Selection(KubernetesCase):
    def chosen(self, selector, objects, variant):
        found = manifests.workloads(objects, variant)
        return {each.component for each in found if manifests.selects(selector, each.labels)}

    def test_selectors_choose_whom_they_mean(self):
        for variant, objects in self.each_variant(manifests.COMPLETE):
            for service in manifests.of_kind(objects, "Service"):
                # Where there are gateways, they have the address of clients.
                is_clients = variant == "overlays/gateway" and service["metadata"]["name"] == "paceline"
                wanted = {"gateway" if is_clients else "verifier"}
                self.assertEqual(self.chosen(service["spec"]["selector"], objects, variant), wanted)
            for budget in manifests.of_kind(objects, "PodDisruptionBudget"):
                chosen = budget["spec"]["selector"]["matchLabels"]
                role = budget["metadata"]["name"].removeprefix("paceline-")
                self.assertEqual(self.chosen(chosen, objects, variant), {role})
            for policy in manifests.of_kind(objects, "NetworkPolicy"):
                chosen = policy["spec"]["podSelector"]["matchLabels"]
                role = policy["metadata"]["name"].removeprefix("paceline-")
                self.assertEqual(self.chosen(chosen, objects, variant), {role})
            for pool in manifests.of_kind(objects, "InferencePool"):
                chosen = pool["spec"]["selector"]["matchLabels"]
                self.assertEqual(self.chosen(chosen, objects, variant), {"verifier"})
            # A Deployment chooses its own Pods, and those of no other.
            pods = manifests.workloads(objects, variant)
            for deployment in manifests.of_kind(objects, "Deployment"):
                chosen = deployment["spec"]["selector"]["matchLabels"]
                found = [each.template for each in pods if manifests.selects(chosen, each.labels)]
                self.assertEqual(found, [deployment["spec"]["template"]])

    def test_autoscalers_scale_what_is_there_and_own_its_replicas(self):
        objects = manifests.render("overlays/autoscaling")
        deployments = {each["metadata"]["name"]: each for each in manifests.of_kind(objects, "Deployment")}
        scalers = manifests.of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject")
        self.assertEqual({each["spec"]["scaleTargetRef"]["name"] for each in scalers}, set(deployments))
        for deployment in deployments.values():
            self.assertNotIn("replicas", deployment["spec"])
        (pods,) = manifests.of_kind(objects, "HorizontalPodAutoscaler")
        wanted = {each["pods"]["metric"]["name"]: each["pods"]["target"] for each in pods["spec"]["metrics"]}
        slots = manifests.option(manifests.verifier(objects).container["args"], "slots")
        self.assertLess(int(wanted["paceline_num_requests_running"]["averageValue"]), int(slots))

    def test_workers_reach_verifiers_by_a_service_and_through_the_policies(self):
        for workload, objects in self.each_workload("worker"):
            host, port = self.address(workload).rsplit(":", 1)
            services = {each["metadata"]["name"]: each["spec"] for each in manifests.of_kind(objects, "Service")}
            if host != "$(LWS_LEADER_ADDRESS)":
                self.assertEqual(services[host]["clusterIP"], "None")
            policies = {each["metadata"]["name"]: each["spec"] for each in manifests.of_kind(objects, "NetworkPolicy")}
            into = policies["paceline-verifier"]["ingress"][0]
            out = policies["paceline-worker"]["egress"][0]
            self.assertEqual(into["ports"], [{"protocol": "TCP", "port": int(port)}])
            self.assertEqual(out["ports"], into["ports"])
            self.assertTrue(manifests.selects(into["from"][0]["podSelector"]["matchLabels"], workload.labels))

    def address(self, workload):
        """Where a worker's line says that verifiers are."""
        (value,) = re.findall(r"--(?:connect=|discover=dns:)(\S+)", " ".join(workload.container["args"]))
        return value

    def test_workers_have_a_port_that_is_probed_scraped_and_let_through(self):
        for workload, objects in self.each_workload("worker"):
            container = workload.container
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            self.assertTrue(manifests.option(container["args"], "http").endswith(f":{ports['http']}"))
            for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/ready")):
                self.assertEqual(container[probe]["httpGet"], {"path": path, "port": "http"})
            scraped = workload.template["metadata"]["annotations"]
            self.assertEqual(scraped["prometheus.io/port"], str(ports["http"]))
            policies = {each["metadata"]["name"]: each["spec"] for each in manifests.of_kind(objects, "NetworkPolicy")}
            into = [port["port"] for rule in policies["paceline-worker"]["ingress"] for port in rule["ports"]]
            self.assertEqual(into, [ports["http"]])

    def test_gateways_find_verifiers_by_a_headless_service_and_through_the_policies(self):
        objects = manifests.render("overlays/gateway")
        (gateway,) = [each for each in manifests.workloads(objects, "") if each.component == "gateway"]
        host, port = manifests.option(gateway.container["args"], "discover").removeprefix("dns:").rsplit(":", 1)
        services = {each["metadata"]["name"]: each["spec"] for each in manifests.of_kind(objects, "Service")}
        self.assertEqual(services[host]["clusterIP"], "None")
        self.assertEqual([each["port"] for each in services[host]["ports"]], [int(port)])
        policies = {each["metadata"]["name"]: each["spec"] for each in manifests.of_kind(objects, "NetworkPolicy")}
        out = policies["paceline-gateway"]["egress"][0]
        self.assertEqual(out["ports"], [{"protocol": "TCP", "port": int(port)}])
        self.assertTrue(
            manifests.selects(out["to"][0]["podSelector"]["matchLabels"], manifests.verifier(objects).labels)
        )
        delay, grace = (
            manifests.seconds(manifests.option(gateway.container["args"], name)) for name in ("drain-delay", "grace")
        )
        self.assertGreater(gateway.spec["terminationGracePeriodSeconds"], delay + grace + 5)

    def test_a_lost_worker_does_not_take_its_verifier_along(self):
        (group,) = manifests.of_kind(manifests.render("overlays/leader-worker-set"), "LeaderWorkerSet")
        self.assertEqual(group["spec"]["leaderWorkerTemplate"]["restartPolicy"], "None")

    def test_the_endpoint_picker_knows_the_pods(self):
        objects = manifests.render("overlays/inference-pool")
        (extractor,) = [each for each in picker_config()["plugins"] if each["type"] == "core-metrics-extractor"]
        parameters = extractor["parameters"]
        (engine,) = parameters["engineConfigs"]
        self.assertEqual(parameters["defaultEngine"], engine["name"])
        self.assertEqual(manifests.verifier(objects).labels[parameters["engineLabelKey"]], engine["name"])
        scorers = {each["type"] for each in picker_config()["plugins"]}
        for profile in picker_config()["schedulingProfiles"]:
            self.assertLessEqual({each["pluginRef"] for each in profile["plugins"]}, scorers)
        (pool,) = manifests.of_kind(objects, "InferencePool")
        chart = yaml.safe_load(PICKER.read_text())["router"]
        self.assertEqual(chart["modelServers"]["matchLabels"], pool["spec"]["selector"]["matchLabels"])
        self.assertEqual(chart["modelServers"]["targetPorts"], pool["spec"]["targetPorts"])


if __name__ == "__main__":
    unittest.main()
