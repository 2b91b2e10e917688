"""Settings files: that the programs take them, and that their addresses lead to each other."""

import json
import os
import re
import subprocess
import tempfile
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from programs import consent_refusal, listener_refusal, program_path, relay_refusal

SETUP = "deploy/compose/setup.sh"
SCRIPTS = [SETUP, "deploy/image/healthy"]
BROKER = "deploy/kafka/server.properties"
EXAMPLE = "deploy/kubernetes/example/services"
# Stand-ins for what the Secrets of the example hold.
SECRETS = {
    "consent": 'database_url = "none"\n'
    'decision_credential = "a-credential-for-the-check"\n'
    f'key_encryption_key = "{"A" * 43}"\n',
    "relay": f'database_url = "none"\nkey_encryption_key = "{"A" * 43}"\n',
    "account-api": 'decision_credential = "a-credential-for-the-check"\n',
}
# Stands in for consent where compose-setup calls it: keeps the files that it would read.
FAKE_CONSENT = """#!/bin/sh
for last; do :; done
while [ $# -gt 0 ]; do
    if [ "$1" = --file ]; then cp "$2" "$KEPT/$(date +%s%N 2>/dev/null || date +%s)-$$-$(basename "$2")"; fi
    shift
done
"""


def check(root, images, services, documents, findings):
    for script in SCRIPTS:
        shell = (root / script).read_text().splitlines()[0].removeprefix("#!")
        ran = subprocess.run([shell, "-n", root / script], capture_output=True, text=True)
        findings.expect(ran.returncode == 0, script, ran.stderr.strip())
    programs = ("consent", "consent-relay", "account-api", "partner-app")
    missing = [p for p in programs if not program_path(root, p).is_file()]
    if missing:
        findings.not_checked(f"settings files: {', '.join(missing)} not built; run `make build`")
        return
    _check_that_refusals_show(root, findings)
    _check_compose(root, images, services, findings)
    _check_example(root, images, documents, findings)


def _check_that_refusals_show(root, findings):
    """A check that can't fail is none: an unknown key must be refused."""
    bad = 'unknown = 1\ndatabase_url = "none"\n'
    findings.expect(consent_refusal(root, bad), "settings", "consent takes an unknown key")
    findings.expect(relay_refusal(root, bad), "settings", "consent-relay takes an unknown key")
    for program in ("account-api", "partner-app"):
        findings.expect(listener_refusal(root, program, bad), "settings", f"{program} takes an unknown key")


def _check_compose(root, images, services, findings):
    with tempfile.TemporaryDirectory() as directory:
        made = _run_setup(root, Path(directory), findings)
    if made is None:
        return
    consent, relay, account_api, partner_app = (
        made[name] for name in ("consent.toml", "relay.toml", "account-api.toml", "partner-app.toml")
    )
    key = {"client-key.pem": made["client-key.pem"]}
    refusals = {
        f"{SETUP}: consent.toml": consent_refusal(root, consent),
        f"{SETUP}: relay.toml": relay_refusal(root, relay),
        f"{SETUP}: account-api.toml": listener_refusal(root, "account-api", account_api),
        f"{SETUP}: partner-app.toml": listener_refusal(root, "partner-app", partner_app, key),
    }
    if _are_refused(refusals, findings):
        return
    consent, account_api, partner_app = map(tomllib.loads, (consent, account_api, partner_app))
    relay = tomllib.loads(relay)
    _check_ports(SETUP, consent, account_api, images, findings)
    findings.expect(_port(partner_app["listen"]) in images["partner-app"].ports, SETUP, "partner-app's port")
    _check_agreement(SETUP, consent, account_api, findings)
    _check_relay(SETUP, consent, relay, images, findings)
    _check_broker(root, relay, services, findings)
    offered = {bank["issuer"] for bank in partner_app["banks"]}
    trusted = {issuer["issuer"] for issuer in account_api["issuers"]}
    findings.expect(offered == trusted, SETUP, "partner-app's banks are not account-api's issuers")
    registered = {tomllib.loads(bank)["code"] for bank in made["banks"]}
    findings.expect(registered == {b["code"] for b in partner_app["banks"]}, SETUP, "banks registered")
    partner = json.loads(made["partner"])
    findings.expect(set(partner["banks"]) == registered, SETUP, "banks of the partner")
    findings.expect(partner["client_id"] == partner_app["client_id"], SETUP, "client_id")
    key = partner["jwks"]["keys"][0]
    findings.expect(key["kid"] == partner_app["kid"] and "d" not in key, SETUP, "the partner's key")
    findings.expect({len(key["x"]), len(key["y"])} == {43}, SETUP, "x and y are not 32 bytes each")
    published = {
        int(str(port).split(":")[1]) for service in services.values() for port in service.get("ports", [])
    }
    for url in (consent["public_url"], consent["resource_identifier"], partner_app["public_url"]):
        findings.expect(urlsplit(url).port in published, SETUP, f"{url} is not published")
    for url in _inside_urls(consent, account_api, partner_app):
        service = services.get(urlsplit(url).hostname, {})
        image = images.get(service.get("build", {}).get("target"))
        findings.expect(image and urlsplit(url).port in image.ports, SETUP, f"{url} leads nowhere")
    findings.checked(f"{SETUP}: what it writes; consent, consent-relay, account-api and partner-app take it")
    _check_with_postgres(root, findings)


def _run_setup(root, directory, findings):
    """What the script writes, without a database: by name, the banks and the partner apart."""
    state, kept, programs = directory / "state", directory / "kept", directory / "bin"
    for name in ("database", "operator", "consent", "relay", "account-api", "partner-app"):
        (state / name).mkdir(parents=True)
    for path in (kept, programs):
        path.mkdir()
    (programs / "consent").write_text(FAKE_CONSENT)
    (programs / "consent").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "KEPT": str(kept),
        "STATE_DIRECTORY": str(state),
        "BANKS_FILE": str(root / "deploy/compose/banks.tsv"),
    }
    for command in ("settings", "database", "register"):
        if command == "database":
            urls = {name: "none" for name in ("service_url", "owner_url", "auditor_url", "relay_url")}
            (state / "operator" / "provisioned.json").write_text(json.dumps(urls, indent=2))
        ran = subprocess.run(
            ["/bin/sh", root / SETUP, command], env=environment, capture_output=True, text=True
        )
        if ran.returncode != 0:
            findings.problem(SETUP, f"{command} ended with {ran.returncode}: {ran.stderr.strip()}")
            return None
    made = {path.name: path.read_text() for path in state.rglob("*") if path.suffix in (".toml", ".pem")}
    texts = [(path.name, path.read_text()) for path in sorted(kept.iterdir())]
    made["banks"] = [text for name, text in texts if name.endswith("bank.toml")]
    made["partner"] = next(text for name, text in texts if name.endswith("partner.json"))
    return made


def _check_with_postgres(root, findings):
    """The script for real, on a PostgreSQL of its own, where one is installed; consent then starts."""
    demo = program_path(root, "demo")
    environment = {**os.environ, "RENKEI_PG_SEARCH": "installed"}
    environment.pop("RENKEI_TEST_DATABASE_URL", None)
    script = Path(__file__).with_name("setup-on-postgres.sh")
    if not demo.is_file():
        findings.not_checked(f"{SETUP} on a PostgreSQL: demo is not built")
        return
    ran = subprocess.run(
        [demo, "with-postgres", "--", "sh", script, program_path(root, "consent").parent, root],
        env=environment,
        capture_output=True,
        text=True,
    )
    # The script's first word: without it there was no server to run it on.
    if ran.returncode != 0 and "setup-on-postgres" not in ran.stdout:
        reason = (ran.stderr.strip().splitlines() or ["no reason given"])[0]
        findings.not_checked(f"{SETUP} on a PostgreSQL: {reason}")
        return
    findings.expect(ran.returncode == 0, f"{SETUP} on a PostgreSQL", (ran.stdout + ran.stderr).strip())
    findings.checked(f"{SETUP}: twice on a PostgreSQL; consent starts on what it made")


def _check_example(root, images, documents, findings):
    texts = {
        program: SECRETS[program] + (root / EXAMPLE / f"{program}.toml").read_text(encoding="utf-8")
        for program in SECRETS
    }
    refusals = {
        f"{EXAMPLE}/consent.toml": consent_refusal(root, texts["consent"]),
        f"{EXAMPLE}/relay.toml": relay_refusal(root, texts["relay"]),
        f"{EXAMPLE}/account-api.toml": listener_refusal(root, "account-api", texts["account-api"]),
    }
    if _are_refused(refusals, findings):
        return
    consent, account_api = (tomllib.loads(texts[program]) for program in ("consent", "account-api"))
    _check_ports(EXAMPLE, consent, account_api, images, findings)
    _check_agreement(EXAMPLE, consent, account_api, findings)
    _check_relay(EXAMPLE, consent, tomllib.loads(texts["relay"]), images, findings)
    reachable = {
        (d["metadata"]["name"], port["port"])
        for d in documents
        if d["kind"] == "Service"
        for port in d["spec"]["ports"]
    }
    for url in _inside_urls(consent, account_api):
        place = (urlsplit(url).hostname, urlsplit(url).port)
        is_outside = "." in place[0]
        findings.expect(is_outside or place in reachable, EXAMPLE, f"{url} leads to no Service")
    hosts = {r["host"] for d in documents if d["kind"] == "Ingress" for r in d["spec"]["rules"]}
    for url in (consent["public_url"], consent["resource_identifier"]):
        findings.expect(urlsplit(url).hostname in hosts, EXAMPLE, f"{url} has no Ingress")
    findings.checked(f"{EXAMPLE}: consent, consent-relay and account-api take the settings, with secrets put before")


def _are_refused(refusals, findings):
    """What a program refuses is not looked at further."""
    for where, refusal in refusals.items():
        findings.expect(refusal is None, where, refusal)
    return any(refusal is not None for refusal in refusals.values())


def _port(listen):
    return int(listen.rpartition(":")[2])


def _check_ports(where, consent, account_api, images, findings):
    listens = {_port(consent[f"{name}_listen"]) for name in ("public", "operator", "decision")}
    findings.expect(listens == images["consent"].ports, where, f"consent listens at {listens}")
    listens = {_port(account_api[name]) for name in ("listen", "operator_listen")}
    findings.expect(listens == images["account-api"].ports, where, f"account-api listens at {listens}")


def _check_relay(where, consent, relay, images, findings):
    listens = {_port(relay["operator_listen"])}
    findings.expect(listens == images["consent-relay"].ports, where, f"the relay listens at {listens}")
    for key in ("public_url", "key_encryption_key"):
        findings.expect(consent[key] == relay[key], where, f"{key}: consent and the relay differ")


def _check_broker(root, relay, services, findings):
    """The relay's broker is one of the services, and calls itself what the relay calls it."""
    bootstrap = relay["kafka"]["bootstrap"]
    findings.expect(bootstrap.partition(":")[0] in services, SETUP, f"{bootstrap} is no service")
    properties = (root / BROKER).read_text(encoding="utf-8").splitlines()
    advertised = f"advertised.listeners=PLAINTEXT://{bootstrap}"
    findings.expect(advertised in properties, BROKER, f"{advertised} is not in it")


def _check_agreement(where, consent, account_api, findings):
    """What two services must write alike."""
    for key in ("resource_identifier", "decision_credential", "bank_port_url"):
        findings.expect(consent[key] == account_api[key], where, f"{key}: consent and account-api differ")
    for issuer in account_api["issuers"]:
        expected = f"{consent['public_url']}/{issuer['bank_code']}"
        findings.expect(issuer["issuer"] == expected, where, f"issuer {issuer['issuer']}")
        findings.expect(re.search(rf"/{issuer['bank_code']}/jwks$", issuer["jwks_url"]), where, "jwks_url")


def _inside_urls(consent, account_api, partner_app=None):
    yield from (consent["bank_port_url"], account_api["bank_port_url"], account_api["decision_url"])
    yield from (issuer["jwks_url"] for issuer in account_api["issuers"])
    if partner_app:
        yield partner_app["account_api_url"]
