"""What there is to start: a product's programs, where they may be, and how the user names their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from servers import ServerUnavailable

FOLDERS = ("", "bin", "sbin", "libexec")  # of an installation, where its programs are


@dataclass(frozen=True, slots=True)
class Product:
    """A server that the tests start.

    `variable` begins the names of two environment variables: `..._URL` is a server that runs, `..._BIN` where the programs are.
    `packages` are Debian's; empty where the programs come in the folder of Debian unstable.
    """

    name: str
    variable: str
    programs: tuple[str, ...]
    places: Callable[[], Iterable[Path]]
    packages: tuple[str, ...] = ()

    @property
    def given_url(self) -> str | None:
        """The URL of the user's own server, to be used instead of a private one."""
        return os.environ.get(f"{self.variable}_URL") or None

    def find_programs(self) -> dict[str, Path]:
        """The path of each program, all of them in one installation: in `..._BIN`, or in the first of `places()`."""
        given = os.environ.get(f"{self.variable}_BIN")
        places = [Path(given)] if given else list(self.places())
        for place in places:
            found = {program: path for program in self.programs if (path := _program(place, program))}
            if len(found) == len(self.programs):
                return found
        how = f"apt-get install {' '.join(self.packages)}" if self.packages else "make servers"
        raise ServerUnavailable(
            f"{self.name}: {', '.join(self.programs)} not found in {', '.join(map(str, places)) or 'PATH'}."
            f" Install it (Debian: {how}), set {self.variable}_BIN to the folder of its programs,"
            f" or {self.variable}_URL to a server that runs"
        )


def _program(place: Path, program: str) -> Path | None:
    for folder in FOLDERS:
        path = place / folder / program
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None
