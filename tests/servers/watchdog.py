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
    try:
        pid = int(pid_file.read_text().split()[0])
        for sent in (stop_signal, signal.SIGKILL):
            os.kill(pid, sent)
            if _gone(pid, seconds=10):
                break
    except (OSError, ValueError, IndexError):
        pass  # not running: a server removes its pid file when it stops
    shutil.rmtree(folder, ignore_errors=True)


def _gone(pid: int, *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while _runs(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not _runs(pid)


def _runs(pid: int) -> bool:
    """Whether the process runs: one that ended and that nobody waited for (in a container without init) doesn't."""
    try:
        os.kill(pid, 0)
        state = (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] if Path("/proc/self").exists() else ""
        )
    except OSError:
        return False
    return state != "Z"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[1], sys.argv[2]), signal.Signals[sys.argv[3]])
