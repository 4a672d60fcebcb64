"""Safe SQL text: the only way in which statements are made.

Text exists only as literal templates in `sql("...")`; names enter as `Identifier`, values as `Literal`, and a dialect's
`Quoting` turns the whole into text for one live server. No other formatting touches SQL.
"""

from arrowsync.sql.compose import SQL, Composable, Identifier, Literal, Quoting, join, sql, trusted

__all__ = ["SQL", "Composable", "Identifier", "Literal", "Quoting", "join", "sql", "trusted"]
