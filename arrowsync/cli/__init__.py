"""The command line: `arrowsync load SOURCE TARGET`, with the same words and defaults as the functions."""

from arrowsync.cli.main import main

__all__ = ["main"]
