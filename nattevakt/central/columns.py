"""How the tables of the centre are written down: column kinds, keys, partial indexes. Serves arrows 6 to 9.

Owns the metadata object and the conventions that every table follows. Must not know any table.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    or_,
    text,
)
from sqlalchemy.sql.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

TENANT = bindparam("tenant", type_=Integer)
"""Compare `tenant_id` with this in every statement; `TenantSession.execute` fills it in."""


def json_of(name: str, *, null: bool = False) -> Column[object]:
    """JSON, where None is SQL NULL."""
    return Column(name, JSON(none_as_null=True), nullable=null)


def ms(name: str, *, null: bool = False) -> Column[int]:
    """A moment: Unix milliseconds."""
    return Column(name, BigInteger, nullable=null)


def text_of(name: str, *, null: bool = False, key: bool = False) -> Column[str]:
    """Text."""
    return Column(name, Text, nullable=null, primary_key=key)


def integer(name: str, *, null: bool = False, key: bool = False) -> Column[int]:
    """A 64-bit number."""
    return Column(name, BigInteger, nullable=null, primary_key=key, autoincrement=False)


def maybe_ms(*names: str) -> list[Column[int]]:
    """Moments that may be missing."""
    return [ms(name, null=True) for name in names]


def maybe_text(*names: str) -> list[Column[str]]:
    """Texts that may be missing."""
    return [text_of(name, null=True) for name in names]


def texts(*names: str) -> list[Column[str]]:
    """Texts that are always there."""
    return [text_of(name) for name in names]


def flag(name: str) -> Column[bool]:
    """Yes or no."""
    return Column(name, Boolean, nullable=False)


def to(table: str, column: str) -> ForeignKeyConstraint:
    """A reference that stays inside the tenant."""
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"])


def partial(name: str, where: str, *columns: str, unique: bool = False) -> Index:
    """An index over the rows for which a condition holds."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


def owned(name: str, *items: SchemaItem) -> Table:
    """A table of a tenant, keyed by what its columns say."""
    tenant = Column("tenant_id", Integer, ForeignKey("tenants.id"), primary_key=True, autoincrement=False)
    return Table(name, metadata, tenant, *items)


def numbered(name: str, *items: SchemaItem) -> Table:
    """A table of a tenant whose rows have an `id`."""
    return owned(name, Column("id", BigInteger, Identity(), primary_key=True), *items)


def in_force(table: Table, moment: str) -> ColumnElement[bool]:
    """Of rows that hold from `from_ms` up to and without `to_ms` (NULL: until further notice), those that hold at the
    moment that the statement is given by this name."""
    at_ms: BindParameter[int] = bindparam(moment)
    return and_(table.c.from_ms <= at_ms, or_(table.c.to_ms.is_(None), table.c.to_ms > at_ms))
