"""Private database servers for the tests: on a free port, in a temporary folder, gone when the run is gone.

One module a product, with a `start_*` context manager and a `Product` that says where its programs are; what they share is
in `private.py`, `products.py` and `databases.py`. `python -m servers.install` installs what is installed nowhere: Debian's
packages, and for the newest MySQL and PostgreSQL a folder with those of Debian unstable (`unstable.py`). To add a product:
a module like `mysql.py`, a line in `install.py`, fixtures in `tests/conftest.py` and a line of its `DATABASES`.
"""

from __future__ import annotations


class ServerUnavailable(Exception):
    """The server is not installed on this machine; the message says what was looked for and what to do."""
