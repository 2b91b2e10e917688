"""Checks the deployment files; see scripts/check-deployment."""

import sys
from pathlib import Path

import collector
import compose
import dockerfile
import kubernetes
import settings
from build_context import BuildContext
from findings import Findings


def main() -> int:
    root = Path(__file__).resolve().parents[2]
    findings = Findings()
    images = dockerfile.check(root, BuildContext.read(root), findings)
    services = compose.check(root, images, findings)
    collector.check(root, images, services, findings)
    manifests = kubernetes.check(root, images, findings)
    settings.check(root, images, services, manifests, findings)
    return findings.report()


if __name__ == "__main__":
    sys.exit(main())
