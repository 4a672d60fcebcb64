"""A folder with the newest MySQL and PostgreSQL, from Debian unstable: made once, used by every checkout.

Made with debootstrap as root, used by anybody, without chroot or mounts: in place of each program is a script that runs it
with the folder's own dynamic linker and libraries. To have another product in it: its package in PACKAGES, its programs in
PROGRAMS, and a `Product` whose places are in `folder()`.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from servers import ServerUnavailable
from servers.private import private_folder

PACKAGES = ("mysql-server-core", "postgresql-18")
PROGRAMS = ("usr/sbin/mysqld", "usr/lib/postgresql/*/bin/*")
CHECKED = ("usr/sbin/mysqld", "usr/lib/postgresql/18/bin/postgres")
UNUSED = ("bin", "include", "share/doc", "share/i18n", "share/locale", "share/man")  # of /usr; bin has setuid programs

# On this machine: PostgreSQL reads the system's time zones.
NEEDED_HERE = ("debootstrap", "debian-archive-keyring", "tzdata")

UNPACK_ALL = """
    for deb in /var/cache/apt/archives/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -xC / --keep-directory-symlink; done
"""
SCRIPT = """#!/bin/sh
here=${{0%/*}}
exec "$here/{linker}" --library-path "$here/{libraries}" --argv0 "$0" "$0.elf" "$@"
"""

STAMP = "complete"
STAMP_TEXT = f"1 {' '.join(PACKAGES)}\n"  # another number where the recipe changes


def home() -> Path:
    """The folder for servers: `ARROWSYNC_SERVERS`, or in the user's cache (root's is closed to who runs a server)."""
    if given := os.environ.get("ARROWSYNC_SERVERS"):
        return Path(given).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/arrowsync/servers")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "arrowsync", "servers")


def folder() -> Path:
    """Where the folder is, or would be."""
    return home() / "debian-unstable"


def is_complete() -> bool:
    stamp = folder() / STAMP
    return stamp.is_file() and stamp.read_text() == STAMP_TEXT


def build(as_root: Sequence[str]) -> None:
    """Make the folder, unless it is there; what an interrupted run left is removed. `as_root` goes before root's commands.

    ServerUnavailable where a step fails; its output is on stderr.
    """
    home().mkdir(mode=0o755, parents=True, exist_ok=True)
    with _alone():
        if is_complete():
            return
        try:
            new = _unpack(as_root)
            _run_with_own_libraries(new)
            _check(new)
        except (subprocess.CalledProcessError, RuntimeError) as error:
            raise ServerUnavailable(f"making {folder()} failed: {error}") from None
        (new / STAMP).write_text(STAMP_TEXT)
        new.rename(folder())


@contextmanager
def _alone() -> Iterator[None]:
    with (home() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another checkout may be making it right now
        yield


def _unpack(as_root: Sequence[str]) -> Path:
    """A folder with the /usr of Debian's base system and of the packages, whose scripts (to set up services) never ran."""
    system, new = folder().with_suffix(".system"), folder().with_suffix(".new")
    environment = [
        *("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"),
        *(f"{name}={value}" for name, value in os.environ.items() if name.lower().endswith("_proxy")),
    ]

    def run(*command: str | Path) -> None:
        subprocess.run([*as_root, *environment, *map(str, command)], stdout=sys.stderr, check=True)

    for left in (folder(), system, new):
        for mounted in _mounts_in(left):  # debootstrap's, where it was killed
            run("umount", mounted)
        run("rm", "-rf", "--one-file-system", left)
    run("debootstrap", "--variant=minbase", "--force-check-gpg", "sid", system, *_mirror())
    fetch = ("apt-get", "install", "-y", "--no-install-recommends", "--download-only", "-o", "Acquire::Retries=3")
    run("chroot", system, *fetch, *PACKAGES)
    run("chroot", system, "sh", "-ec", UNPACK_ALL)
    run("rm", "-rf", *(system / "usr" / name for name in UNUSED))
    run("chown", "-R", f"{os.geteuid()}:{os.getegid()}", system / "usr")
    new.mkdir(mode=0o755)
    run("mv", system / "usr", new)
    run("rm", "-rf", "--one-file-system", system)
    return new


def _mounts_in(path: Path) -> list[str]:
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return sorted((mount for mount in mounts if mount.startswith(f"{path}/")), reverse=True)


def _mirror() -> list[str]:
    """The Debian mirror that this machine's apt uses; on another distribution debootstrap knows one."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)", "Created-By: Packages"]
    targets = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for origin, label, *uri in map(str.split, targets.splitlines()):
        if origin == label == "Debian" and uri and uri[0].startswith(("http://", "https://")):
            return uri[:1]
    return []


def _run_with_own_libraries(system: Path) -> None:
    """Put a script in place of each program: PostgreSQL's start each other by path, and find their files relative to it."""
    linker = next(path for pattern in ("lib64/ld-*.so.*", "lib/ld-*.so.*") for path in (system / "usr").glob(pattern))
    libraries = next(system.glob("usr/lib/*/libc.so.6")).parent
    for program in (path for pattern in PROGRAMS for path in system.glob(pattern)):
        with program.open("rb") as file:
            if file.read(4) != b"\x7fELF":
                continue
        program.rename(program.with_name(f"{program.name}.elf"))
        here = program.parent
        program.write_text(
            SCRIPT.format(linker=os.path.relpath(linker, here), libraries=os.path.relpath(libraries, here))
        )
        program.chmod(0o755)


def _check(system: Path) -> None:
    """Run the programs, as whom the tests run servers: the folder may be inside one that is closed to that user."""
    with private_folder("check", pid_file="none", stop_signal="SIGTERM") as somewhere:
        for program in CHECKED:
            print(somewhere.run(system / program, "--version").strip(), file=sys.stderr)
