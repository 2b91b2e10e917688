"""deploy/kubernetes: schemas, what must hold of every pod, and that names lead somewhere."""

import shutil
import subprocess

import yaml

from schemas import KUBERNETES_VERSIONS, kubernetes_problems

DIRECTORY = "deploy/kubernetes"
# Ports of which nothing outside the cluster may know.
INSIDE_ONLY = {"operators", "decisions"}


def check(root, images, findings):
    """Checks the manifests; returns the documents of all files."""
    documents = []
    for path in sorted((root / DIRECTORY).rglob("*.yaml")):
        where = path.relative_to(root).as_posix()
        with findings.parsing(where, yaml.YAMLError):
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                if path.name == "kustomization.yaml":
                    _check_kustomization(root, path.parent, document, findings)
                else:
                    documents.append(document)
                    _check_document(where, document, findings)
    _check_rendered(root, findings)
    for document in documents:
        pod = _pod(document)
        if pod:
            _check_pod(f"{DIRECTORY}: {_name(document)}", pod, images, findings)
    _check_names(documents, findings)
    findings.checked(
        f"{DIRECTORY}: {len(documents)} objects against the API's schemas of {', '.join(KUBERNETES_VERSIONS)};"
        " users, capabilities, ports, selectors, policies"
    )
    return documents


def _name(document):
    return f"{document['kind']} {document['metadata']['name']}"


def _pod(document):
    spec = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return spec.get("template", {}).get("spec")


def _check_document(where, document, findings):
    for problem in kubernetes_problems(document):
        findings.problem(f"{where}: {_name(document)}", problem)
    findings.expect(document["kind"] != "Secret", where, "a Secret has no place in the repository")


def _check_kustomization(root, directory, document, findings):
    """Each file beside it is used, and what it uses is there."""
    where = f"{directory.relative_to(root)}/kustomization.yaml"
    generated = [
        entry.partition("=")[2]
        for generator in document.get("configMapGenerator", [])
        for entry in generator.get("files", [])
    ]
    for name in [*document.get("resources", []), *generated]:
        target = directory / name
        found = target.is_file() or (target / "kustomization.yaml").is_file()
        findings.expect(found, where, f"{name} is not there")
    beside = {path.name for path in directory.iterdir() if path.is_file()} - {"kustomization.yaml"}
    unused = beside - {*document["resources"], *generated}
    findings.expect(not unused, where, f"{unused}: used by nothing")


def _check_rendered(root, findings):
    """What an apply would send: with the overlays' names, tags and generated objects."""
    if shutil.which("kubectl"):
        command = ["kubectl", "kustomize"]
    elif shutil.which("kustomize"):
        command = ["kustomize", "build"]
    else:
        findings.not_checked(f"{DIRECTORY} as kustomize renders it: neither kubectl nor kustomize is here")
        return
    for path in sorted((root / DIRECTORY).rglob("kustomization.yaml")):
        where = f"{path.parent.relative_to(root)} rendered"
        ran = subprocess.run([*command, path.parent], capture_output=True, text=True)
        findings.expect(ran.returncode == 0, where, ran.stderr.strip())
        for document in yaml.safe_load_all(ran.stdout):
            _check_document(where, document, findings)
            is_overlay = "example" in path.parts
            for container in _containers(_pod(document) or {}):
                tagged = ":" in container["image"].rpartition("/")[2]
                findings.expect(tagged or not is_overlay, where, f"{container['image']}: no tag")
    findings.checked(f"{DIRECTORY}: rendered by {command[0]}")


def _containers(pod):
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


def _check_pod(where, pod, images, findings):
    """The restricted Pod Security Standard, and a little more."""
    security = pod.get("securityContext", {})
    findings.expect(security.get("runAsNonRoot") is True, where, "runAsNonRoot is not true")
    findings.expect(security.get("runAsUser", 0) > 0, where, "runAsUser is missing or root")
    findings.expect(
        security.get("seccompProfile", {}).get("type") == "RuntimeDefault", where, "seccompProfile"
    )
    findings.expect(
        pod.get("automountServiceAccountToken") is False, where, "automountServiceAccountToken is not false"
    )
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        findings.expect(not pod.get(key), where, key)
    for volume in pod.get("volumes", []):
        findings.expect("hostPath" not in volume, where, "hostPath")
    for container in _containers(pod):
        _check_container(f"{where}: {container['name']}", container, images, findings)


def _check_container(where, container, images, findings):
    security = container.get("securityContext", {})
    findings.expect(
        security.get("allowPrivilegeEscalation") is False, where, "allowPrivilegeEscalation is not false"
    )
    findings.expect(security.get("readOnlyRootFilesystem") is True, where, "readOnlyRootFilesystem")
    findings.expect(security.get("capabilities") == {"drop": ["ALL"]}, where, "capabilities")
    findings.expect(not security.get("privileged"), where, "privileged")
    findings.expect(security.get("runAsUser", 1) > 0, where, "runAsUser is root")
    resources = container.get("resources", {})
    findings.expect({"cpu", "memory"} <= set(resources.get("requests", {})), where, "requests")
    findings.expect("memory" in resources.get("limits", {}), where, "no limit of memory")
    image = images.get(container["image"].rpartition("/")[2].partition(":")[0])
    findings.expect(image, where, f"{container['image']}: the Dockerfile has no such target")
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
    if image and ports:
        findings.expect(
            set(ports.values()) == image.ports, where, f"ports {ports}, but the image exposes {image.ports}"
        )
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if ports:
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            findings.expect(port in ports, where, f"{probe}: port {port}")


def _check_names(documents, findings):
    """Selectors select, ports exist, and nothing that is meant for inside is led outside."""
    deployments = {d["metadata"]["name"]: d for d in documents if d["kind"] == "Deployment"}
    pods = [d["spec"]["template"] for d in documents if _pod(d) and d["kind"] != "CronJob"]
    covered, protected = set(), set()
    services = {d["metadata"]["name"]: d for d in documents if d["kind"] == "Service"}
    for name, service in services.items():
        where = f"{DIRECTORY}: Service {name}"
        selected = [p for p in pods if _selects(service["spec"]["selector"], p)]
        findings.expect(selected, where, "selects no pod")
        for port in service["spec"]["ports"]:
            findings.expect(
                all(port["targetPort"] in _port_names(p) for p in selected), where, port["targetPort"]
            )
    for document in documents:
        where = f"{DIRECTORY}: {_name(document)}"
        if document["kind"] == "Deployment":
            labels = document["spec"]["selector"]["matchLabels"]
            findings.expect(_selects(labels, document["spec"]["template"]), where, "selects not its own pods")
            findings.expect(document["spec"]["replicas"] >= 2, where, "fewer than two replicas")
        if document["kind"] == "PodDisruptionBudget":
            protected |= set(document["spec"]["selector"]["matchLabels"].values()) & set(deployments)
        if document["kind"] == "NetworkPolicy" and "Ingress" in document["spec"]["policyTypes"]:
            covered |= set(document["spec"]["podSelector"].get("matchLabels", {}).values())
            _check_policy(where, document, findings)
        if document["kind"] == "Ingress":
            _check_ingress(where, document, services, findings)
    for name in deployments:
        findings.expect(name in protected, DIRECTORY, f"{name} has no PodDisruptionBudget")
        findings.expect(name in covered, DIRECTORY, f"{name} has no NetworkPolicy")
    denied = [d for d in documents if d["kind"] == "NetworkPolicy" and d["spec"]["podSelector"] == {}]
    findings.expect(
        any(d["spec"]["policyTypes"] == ["Ingress", "Egress"] and len(d["spec"]) == 2 for d in denied),
        DIRECTORY,
        "no policy denies by default",
    )


def _selects(labels, template):
    return labels.items() <= template["metadata"]["labels"].items()


def _port_names(template):
    return {port["name"] for c in template["spec"]["containers"] for port in c.get("ports", [])}


def _check_policy(where, document, findings):
    for rule in document["spec"].get("ingress", []):
        inside = {port["port"] for port in rule["ports"]} & INSIDE_ONLY
        zones = {
            peer.get("namespaceSelector", {}).get("matchLabels", {}).get("renkei/zone")
            for peer in rule.get("from", [{}])
        }
        findings.expect(rule.get("from"), where, "a rule lets everybody in")
        findings.expect(not (inside and "ingress" in zones), where, f"{inside} reachable by the Ingress")


def _check_ingress(where, document, services, findings):
    hosts = {host for tls in document["spec"].get("tls", []) for host in tls["hosts"]}
    for rule in document["spec"]["rules"]:
        findings.expect(rule["host"] in hosts, where, f"{rule['host']} without TLS")
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            ports = services.get(backend["name"], {}).get("spec", {}).get("ports", [])
            port = next((p for p in ports if p["name"] == backend["port"].get("name")), None)
            findings.expect(port, where, f"{backend}: no such port of a Service")
            findings.expect(not port or port["targetPort"] not in INSIDE_ONLY, where, f"leads to {backend}")
