"""`python -m arrowsync` is the command `arrowsync`."""

import sys

from arrowsync.cli import main

sys.exit(main())
