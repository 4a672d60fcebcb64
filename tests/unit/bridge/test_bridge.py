"""Where threads and the event loop meet: order, back-pressure, errors, cancellation, nothing left running."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from arrowsync.bridge import Portal, Worker, guarded_reader, prefetch


def test_prefetch_gives_the_items_in_order_from_another_thread() -> None:
    threads: set[str] = set()

    def items() -> Iterator[int]:
        for n in range(100):
            threads.add(threading.current_thread().name)
            yield n

    async def collect() -> list[int]:
        async with prefetch(items()) as stream:
            return [item async for item in stream]

    assert asyncio.run(collect()) == list(range(100))
    assert threads == {"arrowsync-prefetch"}


def test_prefetch_is_at_most_its_depth_ahead() -> None:
    made = 0

    def items() -> Iterator[int]:
        nonlocal made
        while True:
            made += 1
            yield made

    async def peek() -> int:
        async with prefetch(items(), depth=3) as stream:
            await anext(stream)
            await asyncio.sleep(0.2)
            return made

    assert asyncio.run(peek()) <= 1 + 3 + 1


def test_prefetch_raises_what_the_source_raised_after_the_items_before_it() -> None:
    class Boom(Exception):
        pass

    def items() -> Iterator[int]:
        yield 1
        raise Boom("here")

    async def collect() -> list[int]:
        async with prefetch(items()) as stream:
            seen = [await anext(stream)]
            with pytest.raises(Boom, match="here"):
                await anext(stream)
        return seen

    assert asyncio.run(collect()) == [1]


def test_prefetch_closes_the_source_when_left_early_or_cancelled() -> None:
    closed: list[str] = []

    def items(name: str) -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(name)

    async def leave_early() -> None:
        async with prefetch(items("early")) as stream:
            await anext(stream)

    async def wait_forever() -> None:
        async with prefetch(items("cancelled")) as stream:
            await anext(stream)
            await asyncio.sleep(60)

    async def cancel() -> None:
        task = asyncio.ensure_future(wait_forever())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave_early())
    asyncio.run(cancel())
    assert closed == ["early", "cancelled"]


def test_worker_waits_for_the_call_after_a_cancellation() -> None:
    stop = threading.Event()
    ended: list[bool] = []

    def call() -> None:
        stop.wait(10)
        ended.append(True)

    async def run() -> None:
        worker = Worker("test")
        task = asyncio.ensure_future(worker.run_interruptible(stop.set, call))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == [True]
        worker.close()

    asyncio.run(run())


def test_portal_works_inside_a_running_loop_and_raises_the_error() -> None:
    portal = Portal()

    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    async def fail() -> None:
        raise KeyError("x")

    async def outer() -> int:
        with pytest.raises(KeyError):
            portal.run(fail)
        return portal.run(answer)

    assert asyncio.run(outer()) == 42


def test_portal_survives_a_keyboard_interrupt_raised_by_the_call() -> None:
    portal = Portal()

    async def interrupted() -> None:
        raise KeyboardInterrupt

    async def answer() -> int:
        return 1

    with pytest.raises(KeyboardInterrupt):
        portal.run(interrupted)
    assert portal.run(answer) == 1


def test_portal_cancels_and_waits_on_ctrl_c() -> None:
    portal = Portal()
    main = threading.main_thread().ident
    assert main is not None
    rolled_back: list[bool] = []

    async def load() -> None:
        try:
            signal.pthread_kill(main, signal.SIGINT)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.1)
            rolled_back.append(True)

    with pytest.raises(KeyboardInterrupt):
        portal.run(load)
    assert rolled_back == [True]


def _answer_in_child(portal: Portal) -> None:
    async def answer() -> int:
        return 7

    assert portal.run(answer) == 7


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_portal_starts_anew_after_a_fork() -> None:
    portal = Portal()
    _answer_in_child(portal)
    child = multiprocessing.get_context("fork").Process(target=_answer_in_child, args=(portal,))
    child.start()
    child.join(10)
    assert child.exitcode == 0


def test_guarded_reader_counts_and_keeps_the_error() -> None:
    batch = pa.record_batch({"x": [1, 2, 3]})

    def batches() -> Iterator[pa.RecordBatch]:
        yield batch
        raise RuntimeError("the source broke")

    guarded = guarded_reader(batch.schema, batches())
    assert guarded.reader.read_next_batch().num_rows == 3
    with pytest.raises(Exception):  # noqa: B017, PT011 - what the C stream makes of it is the point
        guarded.reader.read_next_batch()
    assert guarded.rows == 3
    assert isinstance(guarded.error, RuntimeError)
