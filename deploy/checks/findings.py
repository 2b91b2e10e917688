"""What was found, what was checked, and what could not be."""

from contextlib import contextmanager


class Findings:
    """Collected over the whole run: one run names every problem."""

    def __init__(self):
        self._problems = []
        self._checked = []
        self._not_checked = [
            "images are not built or started: there is no container engine in this check",
            "base images and their tags are not looked up in a registry",
        ]

    def problem(self, where, what):
        """Something to mend; the run fails."""
        self._problems.append(f"{where}: {what}")

    def expect(self, holds, where, what):
        """A problem unless `holds`."""
        if not holds:
            self.problem(where, what)

    def checked(self, what):
        self._checked.append(what)

    def not_checked(self, what):
        self._not_checked.append(what)

    @contextmanager
    def parsing(self, where, *errors):
        """Makes the errors of a reader a problem of the file that is read."""
        try:
            yield
        except errors as error:
            self.problem(where, error)

    def report(self):
        """Prints everything; returns the exit code."""
        for line in self._checked:
            print(f"checked      {line}")
        for line in self._not_checked:
            print(f"not checked  {line}")
        for line in self._problems:
            print(f"PROBLEM      {line}")
        return 1 if self._problems else 0
