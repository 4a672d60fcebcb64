"""One iterator fanned out to several threads: every item once, back-pressure, and an error anywhere ends all."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from arrowsync.bridge import FanOut, Stopped, fan_out


async def taken_by(fanned: FanOut[int], hands: int, *, each: float = 0.0) -> list[list[int]]:
    """What each of the hands has taken, when there is no more."""

    def take() -> list[int]:
        items = []
        for item in fanned.share():
            items.append(item)
            time.sleep(each)
        return items

    with ThreadPoolExecutor(hands) as pool:
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(pool, take) for _ in range(hands)))


@pytest.mark.parametrize(("items", "hands"), [(1000, 3), (2, 5), (1, 1), (0, 2)])
def test_every_item_is_taken_once_and_each_hand_keeps_their_order(items: int, hands: int) -> None:
    async def run() -> list[list[int]]:
        async with fan_out(iter(range(items))) as fanned:
            return await taken_by(fanned, hands)

    shares = asyncio.run(run())
    assert sorted(item for share in shares for item in share) == list(range(items))
    assert all(share == sorted(share) for share in shares)


def test_all_hands_get_something_where_items_take_time() -> None:
    async def run() -> list[list[int]]:
        async with fan_out(iter(range(40))) as fanned:
            return await taken_by(fanned, 4, each=0.005)

    assert all(asyncio.run(run()))


def test_the_source_is_read_by_one_thread_at_most_its_depth_ahead() -> None:
    made: list[str] = []

    def items() -> Iterator[int]:
        while True:
            made.append(threading.current_thread().name)
            yield len(made)

    async def peek() -> int:
        async with fan_out(items(), depth=3) as fanned:
            share = fanned.share()
            next(share)
            await asyncio.sleep(0.2)
            return len(made)

    assert asyncio.run(peek()) <= 1 + 3 + 1
    assert set(made) == {"arrowsync-fan-out"}


def test_an_error_of_the_source_comes_out_of_one_hand_and_ends_all() -> None:
    class Boom(Exception):
        pass

    def items() -> Iterator[int]:
        yield from range(10)
        raise Boom

    async def run() -> list[BaseException | list[list[int]]]:
        async with fan_out(items()) as fanned:
            outcomes = await asyncio.gather(*(taken_by(fanned, 1) for _ in range(3)), return_exceptions=True)
            assert isinstance(fanned.failure, Boom)
            return outcomes

    kinds = sorted(type(outcome).__name__ for outcome in asyncio.run(run()))
    assert kinds == ["Boom", "Stopped", "Stopped"]


def test_a_hand_that_is_closed_early_stops_the_others_which_wait() -> None:
    closed: list[bool] = []
    gate = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield 1
            gate.wait(10)
            yield 2
        finally:
            closed.append(True)

    async def run() -> None:
        async with fan_out(items()) as fanned:
            first = fanned.share()
            next(first)
            waiting = asyncio.create_task(taken_by(fanned, 1))
            await asyncio.sleep(0.1)
            first.close()
            gate.set()
            with pytest.raises(Stopped):
                await waiting

    asyncio.run(run())
    assert closed == [True]


def test_leaving_or_a_cancellation_waits_for_the_source_and_closes_it() -> None:
    closed: list[str] = []

    def items() -> Iterator[int]:
        try:
            while True:
                time.sleep(0.05)
                yield 1
        finally:
            closed.append(threading.current_thread().name)

    async def idle() -> None:
        async with fan_out(items()):
            await asyncio.sleep(10)

    async def run() -> None:
        task = asyncio.create_task(idle())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert closed == ["arrowsync-fan-out"]

    asyncio.run(run())
