"""Loading over several connections: which sessions can, how more like them are opened, and what a deadlock means there.

What others see meanwhile is a draft, or a staging table with the name of one: `waiting.claim` says whose it is.
"""

from __future__ import annotations

from arrowsync.dialects.contract import Opener, Session
from arrowsync.errors import DatabaseError
from arrowsync.sql import SQL, Identifier, sql, trusted

_WAITED = frozenset({"1205", "1213"})
"""Lock wait timeout, deadlock."""


def refusal(session: Session) -> str | None:
    """Why this session can't be one of several."""
    from arrowsync.dialects.mysql.session import AiomysqlSession

    if not isinstance(session, AiomysqlSession) or session.url is None:
        return (
            "the connection is one of yours, and others can't be opened like it; pass a URL, or arrowsync.connect(url)"
        )
    if session.in_transaction:
        return "you have begun a transaction, and other connections are not in it"
    return None


async def opener(session: Session) -> Opener:
    """What opens more sessions on the URL of this one, with its database and role."""
    from arrowsync.dialects.mysql.session import AiomysqlSession, open_session

    assert isinstance(session, AiomysqlSession), "others are refused"
    url = session.url
    assert url is not None, "others are refused"
    found = (await session.fetch(sql("SELECT DATABASE() AS name, CURRENT_ROLE() AS role"))).to_pylist()[0]
    settings = [sql("USE {name}", name=Identifier(found["name"])), *_role(session.server.product, found["role"])]

    async def another() -> Session:
        opened = await open_session(url)
        try:
            for statement in settings:
                await opened.execute(statement)
        except BaseException:
            await opened.close()
            raise
        return opened

    return another


def _role(product: str, role: str | None) -> list[SQL]:
    """The statement that takes on a role, if there is one. MySQL names several, and quotes them itself."""
    if product == "mysql":
        return [sql("SET ROLE {roles}", roles=trusted(role or "NONE"))]
    return [] if role is None else [sql("SET ROLE {role}", role=Identifier(role))]


def repeated(error: DatabaseError) -> bool:
    """Whether sessions have waited for each other: nobody else knows a draft, so for a key that both have."""
    return error.code in _WAITED
