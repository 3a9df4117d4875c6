"""The first schema: all tables, partial indexes, and row-level security on PostgreSQL.

Owns what is on disk after version 0001. Never changed once released: a later change is a later version.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.sql.schema import SchemaItem
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TYPES: dict[str, TypeEngine[Any]] = {
    "int": sa.BigInteger(),
    "text": sa.Text(),
    "flag": sa.Boolean(),
    "json": sa.JSON(none_as_null=True),
    "bytes": sa.LargeBinary(),
}
_made: list[str] = []


def upgrade() -> None:
    """Bring an empty database here."""
    _made.clear()
    op.create_table(
        "tenants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
        sa.UniqueConstraint("key", name="uq_tenants_key"),
    )
    _places()
    _gateways()
    _decisions()
    _people()
    if op.get_bind().dialect.name == "postgresql":
        for name in _made:
            _guard(name)


def _places() -> None:
    _table("wards", "key text, name text, night_from_minute int, night_to_minute int", unique=["key"])
    _table("rooms", "ward_id int, key text, number text, name text", refs={"ward_id": "wards"}, unique=["key"])
    _table("residents", "key text, name text", unique=["key"])
    _table(
        "stays",
        "resident_id int, room_id int, from_ms int, to_ms int?",
        refs={"resident_id": "residents", "room_id": "rooms"},
    )
    _index("ix_stays_room", "stays", ["room_id"])
    _table(
        "door_windows",
        "resident_id int, from_minute int, to_minute int",
        refs={"resident_id": "residents"},
        unique=["resident_id", "from_minute", "to_minute"],
    )


def _gateways() -> None:
    _table(
        "gateways",
        "key text, name text, ward_id int, credential_sha256 text, revoked_ms int?, current_stream_id int?, "
        "last_heartbeat_ms int?, last_sent json?, health json?, held json?, complete_to json?, complete_to_ms int?",
        refs={"ward_id": "wards"},
        unique=["key"],
    )
    gateway = {"gateway_id": "gateways"}
    _table(
        "streams",
        "gateway_id int, stream text, first_seq int?, mark int, ranges json, dated_seq int?, dated_ms int?, "
        "previous_stream text?, previous_last_seq int?, started_seq int?, first_heartbeat_ms int?, missing json?",
        refs=gateway,
        unique=["gateway_id", "stream"],
    )
    _table(
        "boots",
        "gateway_id int, boot text, boottime_ms int, wall_ms int",
        key=["gateway_id", "boot"],
        refs=gateway,
    )
    _table(
        "device_states",
        "gateway_id int, address text, last_heard_ms int?, readings json, changed_ms int?, unknown_since_ms int?, "
        "unknown_reason text?, known_after_ms int?, needs_event flag",
        key=["gateway_id", "address"],
        refs=gateway,
    )
    _table("devices", "address text, gateway_id int?, name text, mute flag", refs=gateway, unique=["address"])
    _table(
        "placements",
        "device_id int, room_id int, spot text, from_ms int, to_ms int?",
        refs={"device_id": "devices", "room_id": "rooms"},
    )
    _index("ix_placements_device", "placements", ["device_id"])
    _table(
        "events",
        "gateway_id int, stream_id int, seq int, variant int, kind text, urgency text, device text?, "
        "occurred_from_ms int, occurred_to_ms int, received_ms int, raw bytes, sha256 bytes, alarm_id int?, "
        "outcome_reason text?, twin_of text?",
        key=["gateway_id", "stream_id", "seq", "variant"],
        refs={"stream_id": "streams"},
    )
    unhandled = "urgency = 'A' AND alarm_id IS NULL AND outcome_reason IS NULL"
    _index("ix_events_unhandled", "events", ["received_ms"], where=unhandled)
    _index("ix_events_urgent", "events", ["device", "occurred_to_ms"], where="urgency = 'A'")
    _table(
        "refused_rows",
        "gateway_id int, stream text?, seq int?, received_ms int, field text, reason text, urgent flag, raw bytes, "
        "sha256 text",
        refs=gateway,
        unique=["gateway_id", "sha256"],
    )


def _decisions() -> None:
    _table("rule_states", "subject text, rule text, state json", key=["subject", "rule"])
    _table("wake_rows", "subject text, rule text, wake_at_ms int", key=["subject", "rule"])
    _index("ix_wake_rows_due", "wake_rows", ["wake_at_ms"])
    _table("sweep_runs", "at_ms int", key=[])
    _table("live_seq", "seq int", key=[])
    _table("staff", "key text, name text, initials text, pin_argon2 text?, active flag", unique=["key"])
    _table(
        "alarms",
        "subject text, rule text, kind text, priority int, ward_id int, room_id int?, resident_id int?, place text, "
        "state text, version int, sound_seq int, raised_ms int, occurred_from_ms int, occurred_to_ms int, "
        "reason_code text, reason_params json, taken_by int?, taken_ms int?, on_site_ms int?, closed_ms int?, "
        "cause text?, action text?, note text?",
        refs={"ward_id": "wards", "room_id": "rooms", "resident_id": "residents", "taken_by": "staff"},
    )
    joinable = "on_site_ms IS NULL AND closed_ms IS NULL"
    _index("uq_alarms_joinable", "alarms", ["subject", "rule"], where=joinable, unique=True)
    _index("ix_alarms_open", "alarms", ["ward_id"], where="closed_ms IS NULL")
    _index("ix_alarms_subject", "alarms", ["subject", "rule", "id"])
    _table(
        "alarm_events",
        "subject text, rule text, gateway_id int, stream_id int, seq int, variant int, alarm_id int",
        key=["subject", "rule", "gateway_id", "stream_id", "seq", "variant"],
        refs={"alarm_id": "alarms"},
    )
    _index("ix_alarm_events_alarm", "alarm_events", ["alarm_id"])


def _people() -> None:
    _table(
        "staff_wards",
        "staff_id int, ward_id int",
        key=["staff_id", "ward_id"],
        refs={"staff_id": "staff", "ward_id": "wards"},
    )
    _table(
        "tablets",
        "ward_id int, name text, token_sha256 text, enrolled_ms int, revoked_ms int?, last_presence json?, "
        "last_presence_ms int?",
        refs={"ward_id": "wards"},
    )
    _table(
        "tablet_codes",
        "code_sha256 text, ward_id int, name text, expires_ms int, used_ms int?",
        key=["code_sha256"],
        refs={"ward_id": "wards"},
    )
    both = {"staff_id": "staff", "tablet_id": "tablets"}
    _table(
        "person_sessions",
        "token_sha256 text, staff_id int, tablet_id int, started_ms int, last_used_ms int, ends_ms int",
        key=["token_sha256"],
        refs=both,
    )
    _table("pin_attempts", "tablet_id int, staff_id int?, at_ms int, succeeded flag", refs=both)
    _index("ix_pin_attempts_tablet", "pin_attempts", ["tablet_id", "at_ms"])
    _table("access_log", "at_ms int, staff_id int?, tablet_id int?, resident_id int?, what text")
    _table(
        "transitions",
        "alarm_id int, from_state text?, to_state text, at_ms int, staff_id int?, tablet_id int?, cause text, "
        "detail json, idempotency_key text?",
        refs={"alarm_id": "alarms", **both},
        unique=["idempotency_key"],
    )
    _index("ix_transitions_alarm", "transitions", ["alarm_id"])
    _table(
        "notices",
        "alarm_id int, tablet_id int, sound_seq int, state text, made_ms int, lease_until_ms int?, sent_ms int?, "
        "shown_ms int?, sounded_ms int?, seen_ms int?, taken_ms int?, failed_ms int?, reason text?",
        refs={"alarm_id": "alarms", "tablet_id": "tablets"},
        unique=["alarm_id", "tablet_id", "sound_seq"],
    )
    _index("ix_notices_tablet", "notices", ["tablet_id", "id"])


def _table(
    name: str,
    columns: str,
    *,
    key: Sequence[str] | None = None,
    refs: dict[str, str] | None = None,
    unique: Sequence[str] = (),
) -> None:
    """A tenant's table. key: what its rows are named by beside the tenant; without one they get an `id`."""
    parts: list[SchemaItem] = [sa.Column("tenant_id", sa.Integer(), nullable=False)]
    if key is None:
        parts.append(sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False))
    for column in columns.split(", "):
        label, kind = column.split(" ")
        parts.append(sa.Column(label, _TYPES[kind.rstrip("?")], nullable=kind.endswith("?")))
    named = ["id"] if key is None else list(key)
    parts.append(sa.PrimaryKeyConstraint("tenant_id", *named, name=f"pk_{name}"))
    parts.append(sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=f"fk_{name}_tenant_id"))
    for column, target in (refs or {}).items():
        there = [f"{target}.tenant_id", f"{target}.id"]
        label = f"fk_{name}_tenant_id_{column}"
        parts.append(sa.ForeignKeyConstraint(["tenant_id", column], there, name=label))
    if unique:
        label = "_".join(["uq", name, "tenant_id", *unique])
        parts.append(sa.UniqueConstraint("tenant_id", *unique, name=label))
    op.create_table(name, *parts)
    _made.append(name)


def _index(name: str, table: str, columns: Sequence[str], *, where: str = "", unique: bool = False) -> None:
    condition = sa.text(where) if where else None
    op.create_index(
        name, table, ["tenant_id", *columns], unique=unique, sqlite_where=condition, postgresql_where=condition
    )


def _guard(name: str) -> None:
    """Hide every row from whoever has not said which tenant it speaks for; also from the table's owner."""
    same = "tenant_id = nullif(current_setting('nattevakt.tenant', true), '')::int"
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_tenant ON {name} USING ({same}) WITH CHECK ({same})")
