"""`python -m servers.install`: install the servers that the tests start, from Debian's packages, where there are none.

As root, or with passwordless sudo. Elsewhere it says what is missing and leaves it to the tests, which then skip loudly,
or fail where `CI` is set. A package's own server is never used; on a machine without one, none is created either.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from servers import ServerUnavailable, postgres

# product -> (Debian package, what finds its programs or raises ServerUnavailable, the variable that names a running server)
PRODUCTS: dict[str, tuple[str, Callable[[], Path], str]] = {
    "PostgreSQL": ("postgresql", postgres.find_programs, "ARROWSYNC_TEST_POSTGRES_URL"),
}

NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/arrowsync-tests.conf")


def main() -> int:
    missing = []
    for product, (package, find_programs, variable) in PRODUCTS.items():
        if url := os.environ.get(variable):
            print(f"{product}: {variable} is set ({len(url)} characters)")
            continue
        try:
            print(f"{product}: {find_programs()}")
        except ServerUnavailable:
            missing.append((product, package))
    if not missing:
        return 0
    as_root = _as_root()
    if as_root is not None:
        _apt_get([*as_root], [package for _, package in missing])
    failed = False
    for product, package in missing:
        try:
            print(f"{product}: {PRODUCTS[product][1]()} (installed from the package {package})")
        except ServerUnavailable as error:
            failed = True
            print(f"MISSING {error}", file=sys.stderr)
    return 1 if failed and os.environ.get("CI") else 0


def _as_root() -> list[str] | None:
    """What to put before a command that needs root; None where we can't have root, or there is no apt-get."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def _apt_get(as_root: list[str], packages: list[str]) -> None:
    def run(*command: str, text: str | None = None) -> None:
        subprocess.run([*as_root, *command], input=text, text=True, stdout=sys.stderr, check=True)

    # The package `postgresql` would create and start a server of its own on port 5432.
    run("mkdir", "-p", str(NO_CLUSTER.parent))
    run("tee", str(NO_CLUSTER), text="create_main_cluster = false\n")
    try:
        run("apt-get", "update")
        run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends", *packages)
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
    finally:
        run("rm", "-f", str(NO_CLUSTER))


if __name__ == "__main__":
    sys.exit(main())
