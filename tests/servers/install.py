"""`python -m servers.install`: install the servers that the tests start, where there are none.

From Debian's packages, and for the newest MySQL and PostgreSQL in a folder made with debootstrap. As root, or with
passwordless sudo. Elsewhere it says what is missing and leaves it to the tests, which then skip loudly, or fail where `CI`
is set. A package's own server is never used; on a machine without one, none is created either.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from servers import ServerUnavailable, unstable
from servers.mariadb import MARIADB
from servers.mysql import MYSQL
from servers.postgres import POSTGRES, POSTGRES18
from servers.products import Product

PRODUCTS = (POSTGRES, POSTGRES18, MARIADB, MYSQL)

NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/arrowsync-tests.conf")


def main() -> int:
    missing = [product for product in PRODUCTS if _why_missing(product)]
    if missing:
        _install(missing)
    failed = False
    for product in PRODUCTS:
        if why := _why_missing(product):
            failed = True
            print(f"MISSING {why}", file=sys.stderr)
        elif product.given_url:
            print(f"{product.name}: {product.variable}_URL is set")
        else:
            print(f"{product.name}: {product.find_programs()[product.programs[0]]}")
    return 1 if failed and os.environ.get("CI") else 0


def _why_missing(product: Product) -> str | None:
    """Why the tests can't have the server, or None."""
    if product.given_url:
        return None
    try:
        product.find_programs()
    except ServerUnavailable as error:
        return str(error)
    return None


def _install(missing: Sequence[Product]) -> None:
    """Install what can be; what can't is reported."""
    as_root = _as_root()
    if as_root is None:
        print("no root, no passwordless sudo, or no apt-get: nothing is installed", file=sys.stderr)
        return
    packages = [package for product in missing for package in product.packages]
    newest = [product.name for product in missing if not product.packages]
    if newest:
        packages += unstable.NEEDED_HERE
    print(f"installing on this machine, with apt-get: {' '.join(packages)}", file=sys.stderr)
    if newest:
        print(f"and in the folder {unstable.folder()}, with debootstrap: {' and '.join(newest)}", file=sys.stderr)
    start = time.monotonic()
    try:
        _apt_get(as_root, packages)
        if newest:
            print(f"making {unstable.folder()} with {' and '.join(newest)}: a minute or two, once", file=sys.stderr)
            unstable.build(as_root)
    except (ServerUnavailable, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
    print(f"installing took {time.monotonic() - start:.0f} s", file=sys.stderr)


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

    options = ("-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300")
    # The package `postgresql` would create and start a server of its own on port 5432.
    run("mkdir", "-p", str(NO_CLUSTER.parent))
    run("tee", str(NO_CLUSTER), text="create_main_cluster = false\n")
    try:
        run("apt-get", *options, "update")
        # --no-remove: MariaDB's packages and those of a MySQL that the machine may have exclude each other.
        install = ("apt-get", *options, "install", "-y", "--no-remove", "--no-install-recommends")
        run("env", "DEBIAN_FRONTEND=noninteractive", *install, *packages)
    finally:
        run("rm", "-f", str(NO_CLUSTER))


if __name__ == "__main__":
    sys.exit(main())
