"""The programs that `make build` made, asked whether they take a settings file."""

import os
import re
import subprocess
import tempfile
import threading
from pathlib import Path

# How long a program may take to refuse its settings, or to say that it listens, in seconds.
ANSWERS_WITHIN = 20


def program_path(root, name):
    """Where cargo put a file of the debug build."""
    return root / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / name


def consent_refusal(root, text):
    """Why consent refuses settings; None where it takes them. A command that reads them and then
    connects is given an address that no driver takes: to fail there is to have come that far."""
    text = re.sub(r'(?m)^database_url = .*$', 'database_url = "none"', text)
    with _file(text) as path:
        ran = _run(program_path(root, "consent"), "bank", "register", "--config", path, "--file", os.devnull)
        reached = "relative URL without a base" in ran.stderr
        return None if reached else ran.stderr.strip()


def relay_refusal(root, text):
    """Why the relay refuses settings; None where it takes them: then an address that is none is what
    it stops at."""
    text = re.sub(r'(?m)^database_url = .*$', 'database_url = "none"', text)
    with _file(text) as path:
        ran = _run(program_path(root, "consent-relay"), "serve", "--config", path)
        reached = "database_url: " in ran.stderr
        return None if reached else ran.stderr.strip()


def listener_refusal(root, program, text, beside=None):
    """Why account-api or partner-app refuses settings; None where it listens. It is given a free
    port on loopback, and ended as soon as it listens. `beside`: files that the settings name."""
    text = re.sub(r'(?m)^listen = .*$', 'listen = "127.0.0.1:0"', text)
    with _file(text, beside) as path:
        process = subprocess.Popen(
            [program_path(root, program), "--config", path],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "RUST_LOG": "info"},
        )
        too_late = threading.Timer(ANSWERS_WITHIN, process.kill)
        too_late.start()
        try:
            said = ""
            for line in process.stdout:
                said += line
                if "listening" in line:
                    return None
            return said.strip() or f"it says nothing within {ANSWERS_WITHIN} s"
        finally:
            too_late.cancel()
            process.kill()
            process.stdout.close()
            process.wait()


class _file:
    """A settings file in a directory of its own."""

    def __init__(self, text, beside=None):
        self._directory = tempfile.TemporaryDirectory()
        self._contents = {"settings.toml": text, **(beside or {})}

    def __enter__(self):
        for name, text in self._contents.items():
            Path(self._directory.name, name).write_text(text, encoding="utf-8")
        return str(Path(self._directory.name, "settings.toml"))

    def __exit__(self, *_):
        self._directory.cleanup()


def _run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=ANSWERS_WITHIN)
