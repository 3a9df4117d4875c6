"""How Alembic runs a version: on the connection it is given, in that connection's transaction, or in one of its own.

Owns nothing but the hand-over. Must not know what any version does.
"""

from __future__ import annotations

from alembic import context

from nattevakt.central.columns import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
