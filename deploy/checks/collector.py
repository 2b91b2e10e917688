"""The collector's configuration: that its pipelines name what it defines. Its own `validate` knows
more, but is inside its image."""

from urllib.parse import urlsplit

import yaml

FILE = "deploy/otel/collector.yaml"
KINDS = ["receivers", "processors", "exporters"]


def check(root, images, services, findings):
    with findings.parsing(FILE, yaml.YAMLError):
        configuration = yaml.safe_load((root / FILE).read_text(encoding="utf-8"))
        service = configuration["service"]
        for name, pipeline in service["pipelines"].items():
            for kind in KINDS:
                undefined = set(pipeline.get(kind, [])) - set(configuration.get(kind, {}))
                findings.expect(not undefined, FILE, f"pipeline {name}: {kind} {undefined}")
            findings.expect(
                pipeline["processors"][:1] == ["memory_limiter"],
                FILE,
                f"pipeline {name}: memory_limiter comes first",
            )
        for kind in KINDS:
            used = {part for p in service["pipelines"].values() for part in p.get(kind, [])}
            unused = set(configuration.get(kind, {})) - used
            findings.expect(not unused, FILE, f"{kind} {unused}: in no pipeline")
        undefined = set(service.get("extensions", [])) - set(configuration.get("extensions", {}))
        findings.expect(not undefined, FILE, f"extensions {undefined}")
        _check_addresses(configuration, images, services, findings)
        findings.checked(f"{FILE}: its pipelines and addresses")
        findings.not_checked(f"{FILE} by the collector itself (`otelcol-contrib validate`)")


def _check_addresses(configuration, images, services, findings):
    """It reads ports that images expose, and listens where the services send to."""
    for scrape in configuration["receivers"]["prometheus"]["config"]["scrape_configs"]:
        for target in (target for config in scrape["static_configs"] for target in config["targets"]):
            host, _, port = target.partition(":")
            image = images.get(services.get(host, {}).get("build", {}).get("target"))
            findings.expect(image and int(port) in image.ports, FILE, f"{target} leads nowhere")
    endpoint = configuration["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]
    for name, service in services.items():
        url = service.get("environment", {}).get("OTEL_EXPORTER_OTLP_ENDPOINT")
        if url:
            address = urlsplit(url)
            leads = address.hostname in services and endpoint.endswith(f":{address.port}")
            findings.expect(leads, f"docker-compose.yml: {name}", f"{url} leads nowhere")
