"""What private servers share: a folder, a user to run as, a free port, and a watchdog that outlives the test run."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WATCHDOG = Path(__file__).with_name("watchdog.py")


@dataclass(frozen=True, slots=True)
class PrivateFolder:
    """A folder of the user that the server runs as; `run` runs a program there as that user."""

    path: Path
    user: str | None

    def run(self, *command: str | Path) -> str:
        """The output of a command; RuntimeError with all of it when it fails."""
        as_user: dict[str, Any] = {}
        if self.user is not None:
            as_user = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.path,
            env={"PATH": os.environ["PATH"], "HOME": str(self.path), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
            **as_user,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(str(word) for word in command)}\nexit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def write(self, name: str, text: str) -> Path:
        """A file in the folder that the server can read, and nobody else."""
        path = self.path / name
        path.touch(mode=0o600)
        path.write_text(text)
        if self.user is not None:
            shutil.chown(path, self.user)
        return path


@contextmanager
def private_folder(product: str, *, pid_file: str, stop_signal: str) -> Iterator[PrivateFolder]:
    """A short-named temporary folder (a Unix socket's path has 107 bytes), removed at the end.

    Whatever ends this process, even `kill -9`, a watchdog then sends `stop_signal` to the process that `pid_file` (in the
    folder) names and removes the folder: it sleeps on a pipe whose other end is open for as long as we live.
    """
    user = _unprivileged_user()
    path = Path(tempfile.mkdtemp(prefix=f"{product}-"))
    watchdog = subprocess.Popen(
        [sys.executable, "-I", str(WATCHDOG), str(path), pid_file, stop_signal],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a terminal's Ctrl-C goes to the whole session; this one has to survive it
    )
    try:
        if user is not None:
            shutil.chown(path, user)
        yield PrivateFolder(path, user)
    finally:
        assert watchdog.stdin is not None
        watchdog.stdin.close()
        watchdog.wait(timeout=60)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _unprivileged_user() -> str | None:
    """Database servers refuse to run as root: the user to run them as instead, or None to stay who we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("run as root on a machine without a user `postgres` or `nobody` to run a server as")
