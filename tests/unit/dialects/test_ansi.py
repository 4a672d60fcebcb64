"""Standard SQL beyond what golden files show: changes of tables that are there, and columns read back as declarations."""

from __future__ import annotations

import pytest
from formation.features import FEATURES

from arrowsync.catalog import Column, DefaultValue, ObjectName, SqlType, UniqueKey
from arrowsync.declare.spec import TableSpec
from arrowsync.dialects.ansi import LANGUAGE
from arrowsync.errors import DeclarationError, UnsupportedChange
from arrowsync.migration.changes import (
    AddColumn,
    AddEnumLabels,
    AddUnique,
    AlterType,
    Change,
    DropColumn,
    DropNotNull,
    RenameColumn,
    SetComment,
    SetKey,
    SetNotNull,
)
from arrowsync.sync.ddl import form_catalog

ORDERS = ObjectName("sales", "Order")
COLUMN = Column("size", SqlType("varchar", (20,)), nullable=False, default=DefaultValue("M"), comment="In Europe.")


@pytest.mark.parametrize(
    ("change", "statements"),
    [
        (
            AddColumn(ORDERS, COLUMN),
            (
                """ALTER TABLE "sales"."Order" ADD COLUMN "size" varchar(20) DEFAULT 'M' NOT NULL""",
                """COMMENT ON COLUMN "sales"."Order"."size" IS 'In Europe.'""",
            ),
        ),
        (RenameColumn(ORDERS, "a", "b"), ('ALTER TABLE "sales"."Order" RENAME COLUMN "a" TO "b"',)),
        (
            AlterType(ORDERS, COLUMN, SqlType("varchar", (10,))),
            ('ALTER TABLE "sales"."Order" ALTER COLUMN "size" SET DATA TYPE varchar(20)',),
        ),
        (DropNotNull(ORDERS, COLUMN), ('ALTER TABLE "sales"."Order" ALTER COLUMN "size" DROP NOT NULL',)),
        (SetNotNull(ORDERS, COLUMN), ('ALTER TABLE "sales"."Order" ALTER COLUMN "size" SET NOT NULL',)),
        (SetKey(ORDERS, ("a", "b"), ()), ('ALTER TABLE "sales"."Order" ADD PRIMARY KEY ("a", "b")',)),
        (AddUnique(ORDERS, UniqueKey(("a",), "uq")), ('ALTER TABLE "sales"."Order" ADD CONSTRAINT "uq" UNIQUE ("a")',)),
        (SetComment(ORDERS, None, "it's"), ("""COMMENT ON TABLE "sales"."Order" IS 'it''s'""",)),
        (DropColumn(ORDERS, COLUMN), ('ALTER TABLE "sales"."Order" DROP COLUMN "size"',)),
    ],
)
def test_changes_of_a_table_that_is_there(change: Change, statements: tuple[str, ...]) -> None:
    quoting = LANGUAGE.quoting(LANGUAGE.server)
    assert tuple(statement.text(quoting) for statement in LANGUAGE.render(change)) == statements


@pytest.mark.parametrize("change", [SetKey(ORDERS, ("a",), ("b",)), AddEnumLabels(ORDERS, ("new",))])
def test_what_the_standard_has_no_statement_for(change: Change) -> None:
    with pytest.raises(UnsupportedChange) as caught:
        LANGUAGE.render(change)
    assert caught.value.changes


@pytest.mark.parametrize("feature", ["scalars", "text_and_bytes", "decimals_and_times", "struct", "array", "keys"])
def test_a_column_read_back_declares_the_same_column(feature: str) -> None:
    declared = FEATURES[feature]
    for table in form_catalog(declared.tables, LANGUAGE, declared.options).tables:
        specs = tuple(LANGUAGE.to_spec(column) for column in table.columns)
        again = TableSpec(table.name.name, specs)
        assert tuple(LANGUAGE.to_column(spec, again, LANGUAGE.server) for spec in specs) == table.columns


def test_a_type_of_some_other_database_has_no_arrow_type() -> None:
    with pytest.raises(DeclarationError, match="hstore"):
        LANGUAGE.to_spec(Column("c", SqlType("hstore")))
