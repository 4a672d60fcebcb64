"""The only place where threads and the event loop meet: `prefetch`, `blocking_iterator`, `fan_out`, `Worker`, `commit`,
`locked`, `guarded_reader`, `Portal`, `Owner`.
"""

from arrowsync.bridge.blocking_iterator import blocking_iterator
from arrowsync.bridge.commit import commit
from arrowsync.bridge.fan_out import FanOut, Stopped, fan_out
from arrowsync.bridge.locked import locked
from arrowsync.bridge.owner import (
    Abandonable,
    OwnedScope,
    OwnedStream,
    Owner,
    abandon_in_children,
    close_silently,
    keep_for_ever,
    keep_in_children,
    of_another_process,
)
from arrowsync.bridge.portal import Portal
from arrowsync.bridge.prefetch import prefetch
from arrowsync.bridge.reader import GuardedReader, guarded_reader
from arrowsync.bridge.uninterrupted import uninterrupted, until_done
from arrowsync.bridge.worker import Worker

__all__ = [
    "Abandonable",
    "FanOut",
    "GuardedReader",
    "OwnedScope",
    "OwnedStream",
    "Owner",
    "Portal",
    "Stopped",
    "Worker",
    "abandon_in_children",
    "blocking_iterator",
    "close_silently",
    "commit",
    "fan_out",
    "guarded_reader",
    "keep_for_ever",
    "keep_in_children",
    "locked",
    "of_another_process",
    "prefetch",
    "uninterrupted",
    "until_done",
]
