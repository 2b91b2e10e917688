"""The collector's configuration: that its pipelines name what it defines. Its own `validate` knows
more, but is inside its image."""

import yaml

FILE = "deploy/otel/collector.yaml"
KINDS = ["receivers", "processors", "exporters"]


def check(root, findings):
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
        findings.checked(f"{FILE}: its pipelines")
        findings.not_checked(f"{FILE} by the collector itself (`otelcol-contrib validate`)")
