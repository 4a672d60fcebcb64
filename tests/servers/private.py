"""What private servers share: a folder, a user to run as, a free port, and a watchdog that outlives the test run."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
        done = subprocess.run(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
            **self._where_and_who(),
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(str(word) for word in command)}\nexit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def spawn(self, *command: str | Path, log: Path) -> subprocess.Popen[Any]:
        """A program that goes on running, in a session of its own: a terminal's Ctrl-C is not for it."""
        with log.open("ab") as output:
            return subprocess.Popen(
                [str(word) for word in command], stdout=output, start_new_session=True, **self._where_and_who()
            )

    def _where_and_who(self) -> dict[str, Any]:
        who: dict[str, Any] = {}
        if self.user is not None:
            who = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.path), "LC_ALL": "C.UTF-8"}
        return {
            "cwd": self.path,
            "env": environment,
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.STDOUT,
            **who,
        }

    def write(self, name: str, text: str) -> Path:
        """A file in the folder that the server can read, and nobody else."""
        path = self.path / name
        path.touch(mode=0o600)
        path.write_text(text)
        if self.user is not None:
            shutil.chown(path, self.user)
        return path


@dataclass(slots=True)
class Daemon:
    """A server program that stays our child, for products that have no `pg_ctl` of their own."""

    folder: PrivateFolder
    command: tuple[str | Path, ...]
    pid_file: str
    _process: subprocess.Popen[Any] | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, is_ready: Callable[[], bool], *, seconds: float = 60) -> None:
        """Run it until it is ready; RuntimeError with its log when it ends before, or never is."""
        log = self.folder.path / "output.log"
        self._process = self.folder.spawn(*self.command, log=log)
        # Not left to the server, which writes its own only when it has come up: a test run may be killed before.
        self.folder.write(self.pid_file, f"{self._process.pid}\n")
        end = time.monotonic() + seconds
        while not is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                logs = "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.path.glob("*.log")))
                raise RuntimeError(f"{self.command[0]} did not come up\n{logs}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            (self.folder.path / self.pid_file).unlink(missing_ok=True)


@contextmanager
def private_folder(product: str, *, pid_file: str, stop_signal: str) -> Iterator[PrivateFolder]:
    """A short-named temporary folder (a Unix socket's path has 107 bytes), removed at the end.

    Whatever ends this process, even `kill -9`, a watchdog then sends `stop_signal` to the process that `pid_file` (in the
    folder) names and removes the folder: it sleeps on a pipe whose other end is open for as long as we live.
    """
    user = unprivileged_user()
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


def unprivileged_user() -> str | None:
    """Database servers refuse to run as root: the user to run them as instead, or None to stay who we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("run as root on a machine without a user `postgres` or `nobody` to run a server as")
