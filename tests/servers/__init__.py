"""Private database servers for the tests: on a free port, in a temporary folder, gone when the run is gone.

One module a product, with a `start_*` context manager; what they share is in `private.py`. `python -m servers.install`
installs from Debian's packages what is installed nowhere. To add a product: a module like `postgres.py`, a line in
`install.py`, a fixture and a line of `DATABASES` in `tests/conftest.py`.
"""

from __future__ import annotations


class ServerUnavailable(Exception):
    """The server is not installed on this machine; the message says what was looked for and what to do."""
