"""The only place where threads and the event loop meet: `prefetch`, `pulled`, `dealt`, `Worker`, `guarded_reader`, `Portal`."""

from arrowsync.bridge.deal import Deal, DealStopped, dealt
from arrowsync.bridge.portal import Portal
from arrowsync.bridge.prefetch import prefetch
from arrowsync.bridge.pulled import pulled
from arrowsync.bridge.reader import GuardedReader, guarded_reader
from arrowsync.bridge.waiting import finish, settle
from arrowsync.bridge.worker import Worker, in_worker

__all__ = [
    "Deal",
    "DealStopped",
    "GuardedReader",
    "Portal",
    "Worker",
    "dealt",
    "finish",
    "guarded_reader",
    "in_worker",
    "prefetch",
    "pulled",
    "settle",
]
