"""`Site`: the table and column of a declaration, for error messages that name both the same way."""

from __future__ import annotations

from dataclasses import dataclass

from arrowsync.errors import DeclarationError


@dataclass(frozen=True, slots=True)
class Site:
    """One column of one declared table, or (without `field`) the table itself."""

    table: str
    field: str | None = None

    def error(self, problem: str, *, hint: str | None = None) -> DeclarationError:
        """Make the error for a problem at this place."""
        where = self.table if self.field is None else f"{self.table}.{self.field}"
        return DeclarationError(f"{where}: {problem}", table=self.table, field=self.field, hint=hint)

    def checked_name(self, name: object, what: str) -> str:
        """`name`, which may be anything that a database can be asked to use as a name."""
        if not isinstance(name, str):
            raise self.error(f"the {what} is {name!r}, which is no string")
        if not name or not is_storable(name):
            raise self.error(
                f"{name!r} can't be a {what}", hint="a name has at least one character, and no NUL or lone surrogate"
            )
        return name

    def checked_comment(self, comment: str) -> str | None:
        """`comment`, which may be any text that a database can store; None where it is empty."""
        if not is_storable(comment):
            raise self.error(f"the comment {comment!r} holds a NUL or a lone surrogate", hint="remove that character")
        return comment or None


def is_storable(text: str) -> bool:
    """True if every database can store `text`: it is valid Unicode (no lone surrogate) without a NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
