"""Stop a private server and remove its folder once the test run that started it has ended, in whatever way.

    watchdog.py FOLDER PID_FILE SIGNAL      (standard input: a pipe that the test run keeps open)

Where the run stopped its server in order, only the folder is left to remove.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path


def main(folder: Path, pid_file: Path, stop_signal: signal.Signals) -> None:
    sys.stdin.buffer.read()  # returns when the other end is closed
    for sent in (stop_signal, signal.SIGKILL):
        try:
            os.kill(int(pid_file.read_text().split()[0]), sent)
        except (OSError, ValueError, IndexError):
            break  # not running: a server removes its pid file as the last thing
        if _gone(pid_file, seconds=10):
            break
    shutil.rmtree(folder, ignore_errors=True)


def _gone(pid_file: Path, *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while pid_file.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return not pid_file.exists()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[1], sys.argv[2]), signal.Signals[sys.argv[3]])
