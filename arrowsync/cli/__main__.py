"""`python -m arrowsync.cli` is the command `arrowsync`."""

import sys

from arrowsync.cli.main import main

sys.exit(main())
