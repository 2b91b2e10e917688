"""The Dockerfile: lint, stages, users, what is copied and what is built."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from programs import program_path

FILE = "Dockerfile"
# Stages that end in no image.
BUILD_STAGE = "build"


@dataclass
class Stage:
    """One `FROM`, with what it takes over from the stage that it is made from."""

    name: str
    base: str
    user: str = "0"
    ports: set = field(default_factory=set)
    programs: set = field(default_factory=set)
    environment: dict = field(default_factory=dict)
    health_check: list | None = None
    entrypoint: list | None = None
    command: list = field(default_factory=list)
    stop_signal: str | None = None

    def runs_as_root(self):
        return not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", self.user)


def check(root, context, findings):
    """Checks the file; returns its image stages by name."""
    instructions = _instructions((root / FILE).read_text(encoding="utf-8"))
    stages = _stages(instructions, context, findings)
    images = {name: stage for name, stage in stages.items() if name not in (BUILD_STAGE, "runtime")}
    for stage in stages.values():
        if stage.name != BUILD_STAGE:
            _check_image(stage, images, findings)
    _check_versions(root, stages, findings)
    _check_programs(root, instructions, stages, context, findings)
    _check_context_builds(root, context, findings)
    _lint(root, findings)
    findings.checked(f"{FILE}: stages {', '.join(stages)}; no image runs as root")
    return images


def _instructions(text):
    """Pairs of instruction and argument, with continued lines joined and comments left out."""
    joined = []
    continued = False
    for line in text.splitlines():
        if line.strip().startswith("#") or not line.strip():
            continue
        if continued:
            joined[-1] += " " + line.strip()
        else:
            joined.append(line.strip())
        continued = joined[-1].endswith("\\")
        joined[-1] = joined[-1].removesuffix("\\").rstrip()
    return [tuple(line.split(maxsplit=1)) for line in joined]


def _stages(instructions, context, findings):
    stages = {}
    stage = None
    for word, argument in instructions:
        if word == "FROM":
            base, _, name = argument.partition(" AS ")
            above = stages.get(base)
            stage = Stage(name, base)
            if above:
                stage.user, stage.stop_signal = above.user, above.stop_signal
                stage.ports, stage.programs = set(above.ports), set(above.programs)
            else:
                tag = base.partition(":")[2]
                findings.expect(tag and tag != "latest", FILE, f"{base} has no tag of its own")
            findings.expect(name and name not in stages, FILE, f"stage {name!r}: a name, once")
            stages[name] = stage
        elif word == "USER":
            stage.user = argument
        elif word == "EXPOSE":
            stage.ports |= {int(port) for port in argument.split()}
        elif word == "STOPSIGNAL":
            stage.stop_signal = argument
        elif word == "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(argument))
        elif word in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
            _read_command(stage, word, argument, findings)
        elif word == "COPY":
            _read_copy(stage, stages, argument, context, findings)
    return stages


def _read_command(stage, word, argument, findings):
    """Only the exec form: a shell would neither pass signals on nor be a fixed program."""
    argument = argument.partition("CMD ")[2] if word == "HEALTHCHECK" else argument
    try:
        command = json.loads(argument)
    except json.JSONDecodeError:
        findings.problem(FILE, f"{stage.name}: {word} is not in exec form")
        return
    attribute = {"ENTRYPOINT": "entrypoint", "CMD": "command", "HEALTHCHECK": "health_check"}[word]
    setattr(stage, attribute, command)


def _read_copy(stage, stages, argument, context, findings):
    words = argument.split()
    flags = [word for word in words if word.startswith("--")]
    *sources, target = [word for word in words if not word.startswith("--")]
    origin = next((f.partition("=")[2] for f in flags if f.startswith("--from=")), None)
    if origin:
        findings.expect(origin in stages, FILE, f"{stage.name}: COPY --from={origin}: no such stage")
    else:
        for source in sources:
            copied = context.below(source)
            findings.expect(copied, FILE, f"{stage.name}: COPY {source}: not in the build context")
    if target.startswith("/usr/local/bin/"):
        stage.programs.add(Path(target).name)


def _check_image(stage, images, findings):
    where = f"{FILE}: {stage.name}"
    findings.expect(not stage.runs_as_root(), where, f"USER {stage.user} may be root")
    findings.expect(stage.stop_signal == "SIGTERM", where, "STOPSIGNAL is not SIGTERM")
    if stage.name not in images:
        return
    program = (stage.entrypoint or [None])[0]
    findings.expect(program in stage.programs, where, f"ENTRYPOINT {program} is not in the image")
    if stage.ports:
        probe = stage.health_check or []
        findings.expect(probe[:1] == ["healthy"], where, "listens, but has no HEALTHCHECK")
        findings.expect(
            {int(word) for word in probe if word.isdigit()} <= stage.ports,
            where,
            f"HEALTHCHECK {probe} asks a port that is not exposed",
        )


def _check_versions(root, stages, findings):
    """The builder's compiler is the workspace's; its C library is the images'."""
    toolchain = tomllib.loads((root / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
    build, runtime = stages[BUILD_STAGE].base, stages["runtime"].base
    findings.expect(
        build.startswith(f"rust:{toolchain}-"), FILE, f"{build} is not rust-toolchain.toml's {toolchain}"
    )
    release = build.rpartition("-")[2]
    findings.expect(
        runtime == f"debian:{release}-slim", FILE, f"{runtime} and {build} are of different releases"
    )
    version = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    label = re.search(r'image\.version="([^"]*)"', (root / FILE).read_text())
    findings.expect(label and label[1] == version, FILE, f"the version label is not {version}")


def _check_programs(root, instructions, stages, context, findings):
    """Every program that is copied is one that is built, from files that are in the context."""
    metadata = _cargo_metadata(root, findings)
    if metadata is None:
        return
    binaries = {
        target["name"]: package["name"]
        for package in metadata["packages"]
        for target in package["targets"]
        if "bin" in target["kind"]
    }
    build = " ".join(a for w, a in instructions if w == "RUN" and "cargo build" in a)
    packages = set(re.findall(r"--package (\S+)", build))
    installed = {Path(path).name for path in re.findall(r"target/release/(\S+)", build)}
    copied = {
        Path(source).name
        for word, argument in instructions
        if word == "COPY" and f"--from={BUILD_STAGE}" in argument
        for source in argument.split()
        if source.startswith("/programs/")
    }
    findings.expect(
        copied <= installed, FILE, f"copied but not installed by the build: {copied - installed}"
    )
    for program in installed:
        package = binaries.get(program)
        findings.expect(package, FILE, f"{program} is no program of the workspace")
        findings.expect(package in packages, FILE, f"{program}: its package is not built")
    sources = {word for a in _copies_of(BUILD_STAGE, instructions) for word in a.split()[:-1]}
    in_build = set().union(*(context.below(source) for source in sources))
    for program in sorted(installed):
        _check_inputs(root, program, in_build, findings)


def _copies_of(stage, instructions):
    current = None
    for word, argument in instructions:
        if word == "FROM":
            current = argument.partition(" AS ")[2]
        elif word == "COPY" and current == stage:
            yield argument


def _check_inputs(root, program, in_build, findings):
    """Cargo notes every file that went into a program; each must be in the image's build."""
    notes = program_path(root, f"{program}.d")
    if not notes.is_file():
        findings.not_checked(f"{FILE}: whether all sources of {program} are copied: it is not built")
        return
    _, _, inputs = notes.read_text().partition(": ")
    for path in re.split(r"(?<!\\) ", inputs.strip()):
        path = Path(path.replace("\\ ", " "))
        if path.is_relative_to(root) and not path.is_relative_to(root / "target"):
            name = path.relative_to(root).as_posix()
            findings.expect(name in in_build, FILE, f"{program} is made of {name}, which is not copied")


def _cargo_metadata(directory, findings):
    command = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version=1"]
    ran = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if ran.returncode != 0:
        findings.problem(directory.name, f"cargo metadata: {ran.stderr.strip()}")
        return None
    return json.loads(ran.stdout)


def _check_context_builds(root, context, findings):
    """Cargo reads the workspace as the build stage will see it: no manifest names a missing file."""
    copy = root / "target" / "deployment" / "context"
    shutil.rmtree(copy, ignore_errors=True)
    for name in context:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, copy / name)
    if _cargo_metadata(copy, findings):
        findings.checked(f".dockerignore: {sum(1 for _ in context)} files, which cargo reads as a workspace")


def _lint(root, findings):
    hadolint = Path(sys.executable).with_name("hadolint")
    ran = subprocess.run(
        [hadolint, "--no-color", "--failure-threshold", "style", FILE],
        cwd=root,
        capture_output=True,
        text=True,
    )
    for line in (ran.stdout + ran.stderr).splitlines():
        findings.problem("hadolint", line)
    findings.expect(ran.returncode == 0, "hadolint", f"ended with {ran.returncode}")
    findings.checked(f"{FILE}: hadolint")
