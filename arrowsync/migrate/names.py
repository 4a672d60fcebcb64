"""The names that arrowsync makes: of constraints, indexes, join tables.

They say what they are (`fk_Player_team`), are the same whenever the declaration is, and are unique among all of one formation:
PostgreSQL wants that of unique keys and indexes, MySQL of checks and foreign keys. One that is too long for the server, which
would cut it without a word, ends in a hash of the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

HASH_DIGITS = 8


class NameMaker:
    """Makes names of at most `limit` (as `size` counts), none of them twice (as `fold` compares)."""

    def __init__(self, limit: int, size: Callable[[str], int], fold: Callable[[str], str]) -> None:
        self._limit = limit
        self._size = size
        self._fold = fold
        self._taken: set[str] = set()

    def make(self, *parts: str) -> str:
        """The parts joined by underscores, and a hash of them where that is too long, or is taken already."""
        plain = "_".join(parts)
        name = plain if self._size(plain) <= self._limit else self._with_hash(plain, "\0".join(parts))
        attempt = 0
        while not self.take(name):
            name = self._with_hash(plain, "\0".join((*parts, str(attempt)) if attempt else parts))
            attempt += 1
        return name

    def take(self, name: str) -> bool:
        """Whether the name was free; it isn't from now on."""
        folded = self._fold(name)
        free = folded not in self._taken
        self._taken.add(folded)
        return free

    def _with_hash(self, plain: str, whole: str) -> str:
        tail = "_" + sha256(whole.encode()).hexdigest()[:HASH_DIGITS]
        head = plain
        while self._size(head + tail) > self._limit:
            head = head[:-1]
        return head + tail
