"""What .dockerignore leaves of the working tree for the Dockerfile to copy."""

import os
import re
from pathlib import Path

# Never in the context, and too large to walk.
SKIPPED = {".git", "target", "node_modules"}


class BuildContext:
    def __init__(self, root, files):
        self.root = root
        self._files = files

    @classmethod
    def read(cls, root):
        """Walks the tree below `root`."""
        rules = [_rule(line) for line in _lines(root / ".dockerignore")]
        files = set()
        for directory, names, file_names in os.walk(root):
            names[:] = [name for name in names if name not in SKIPPED]
            for name in file_names:
                path = (Path(directory) / name).relative_to(root)
                if not _is_ignored(path, rules):
                    files.add(path.as_posix())
        return cls(root, files)

    def below(self, source):
        """The files that `COPY source` copies."""
        source = source.removeprefix("./").rstrip("/")
        return {file for file in self._files if file == source or file.startswith(f"{source}/")}

    def __contains__(self, path):
        return path in self._files

    def __iter__(self):
        return iter(self._files)


def _lines(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if line and not line.startswith("#"):
            yield line


def _rule(line):
    """A pattern and whether it keeps what it matches, by the rules of the Docker reference."""
    keeps = line.startswith("!")
    pattern = line.removeprefix("!").strip("/")
    expression = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\?)", pattern):
        expression += {
            "**/": r"(?:.*/)?",
            "**": r".*",
            "*": r"[^/]*",
            "?": r"[^/]",
        }.get(part, re.escape(part))
    return re.compile(expression), keeps


def _is_ignored(path, rules):
    """The last rule that matches the file, or a directory above it, decides."""
    ignored = False
    candidates = [path.as_posix(), *(p.as_posix() for p in path.parents if p != Path("."))]
    for expression, keeps in rules:
        if any(expression.fullmatch(candidate) for candidate in candidates):
            ignored = not keeps
    return ignored
