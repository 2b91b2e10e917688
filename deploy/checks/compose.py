"""docker-compose.yml: its schema, and what must hold of every container."""

import shutil
import subprocess

import yaml

from schemas import compose_problems

FILE = "docker-compose.yml"


def check(root, images, findings):
    """Checks the file; returns its services by name."""
    with findings.parsing(FILE, yaml.YAMLError):
        project = yaml.safe_load((root / FILE).read_text(encoding="utf-8"))
        for problem in compose_problems(project):
            findings.problem(FILE, problem)
        findings.checked(f"{FILE}: the Compose Specification's schema")
        _ask_docker(root, findings)
        services = project["services"]
        for name, service in services.items():
            where = f"{FILE}: {name}"
            _check_container(root, where, service, images, findings)
            _check_references(where, service, project, findings)
            _check_order(where, name, services, images, findings)
        findings.checked(f"{FILE}: users, capabilities, ports, volumes, secrets, start order")
        return services
    return {}


def _ask_docker(root, findings):
    if shutil.which("docker") is None or _run("docker", "compose", "version").returncode != 0:
        findings.not_checked(f"{FILE} by `docker compose config`: the plugin is not installed")
        return
    ran = _run("docker", "compose", "--file", FILE, "config", "--quiet", cwd=root)
    findings.expect(ran.returncode == 0, FILE, ran.stderr.strip())
    findings.checked(f"{FILE}: docker compose config")


def _run(*command, cwd=None):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def _check_container(root, where, service, images, findings):
    built = service.get("build")
    if built:
        target = built.get("target")
        findings.expect(target in images, where, f"the Dockerfile has no target {target}")
    else:
        user = str(service.get("user", ""))
        is_numeric = user and all(part.isdigit() and int(part) > 0 for part in user.split(":"))
        findings.expect(is_numeric, where, "user: of a foreign image must be numeric and not root")
        tag = service.get("image", "").partition(":")[2]
        findings.expect(tag and tag != "latest", where, "the image has no tag of its own")
    findings.expect("0" not in str(service.get("user", "-")).split(":"), where, "runs as root")
    findings.expect(service.get("read_only") is True, where, "read_only: true is missing")
    findings.expect(service.get("cap_drop") == ["ALL"], where, "cap_drop: [ALL] is missing")
    findings.expect(not service.get("cap_add"), where, "cap_add")
    findings.expect(not service.get("privileged"), where, "privileged")
    findings.expect(
        "no-new-privileges:true" in service.get("security_opt", []), where, "no-new-privileges is missing"
    )
    for port in service.get("ports", []):
        findings.expect(str(port).startswith("127.0.0.1:"), where, f"port {port}: not on loopback only")
    environment = service.get("environment", {})
    for key in environment:
        secret = any(word in key.upper() for word in ("PASSWORD", "SECRET", "KEY", "TOKEN", "CREDENTIAL"))
        findings.expect(not secret or key.endswith("_FILE"), where, f"{key}: secrets come from files")
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        if source.startswith("."):
            findings.expect((root / source).is_file(), where, f"{source} is no file")


def _check_references(where, service, project, findings):
    """Volumes and networks are declared; a shared network is another service's."""
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        if not source.startswith("."):
            findings.expect(source in project["volumes"], where, f"volume {source} is not declared")
    for network in service.get("networks", []):
        findings.expect(network in project["networks"], where, f"network {network} is not declared")
    shared = service.get("network_mode", "")
    if shared.startswith("service:"):
        findings.expect(shared.partition(":")[2] in project["services"], where, shared)


def _check_order(where, name, services, images, findings):
    """What is waited for can become true, and nothing waits for itself."""
    for other, wait in services[name].get("depends_on", {}).items():
        awaited = services.get(other)
        if awaited is None:
            findings.problem(where, f"depends on {other}, which is no service")
            continue
        target = awaited.get("build", {}).get("target")
        has_health = "healthcheck" in awaited or (target in images and images[target].health_check)
        ends = awaited.get("restart", "no") == "no"
        condition = wait["condition"]
        findings.expect(
            condition != "service_healthy" or has_health, where, f"{other} has no health check"
        )
        findings.expect(
            (condition == "service_completed_successfully") == ends,
            where,
            f"{other}: {condition} does not go with its restart policy",
        )
    seen, next_ones = set(), set(services[name].get("depends_on", {}))
    while next_ones:
        seen |= next_ones
        next_ones = {
            further for one in next_ones for further in services.get(one, {}).get("depends_on", {})
        } - seen
    findings.expect(name not in seen, where, "waits for itself")
