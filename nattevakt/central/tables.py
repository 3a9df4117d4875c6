"""Every table of the centre, as SQLAlchemy Core metadata. Serves arrows 6 to 9.

Owns names, keys and constraints; migrations/ makes the same on disk, and a test compares the two. Must not
know what the rows are used for. Every table but `tenants` begins its key with `tenant_id` and is hidden from
other tenants by row-level security on PostgreSQL.

Times are Unix milliseconds UTC (`_ms`); minutes of the day are local (`_minute`).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
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


def _json(name: str, *, null: bool = False) -> Column[object]:
    return Column(name, JSON(none_as_null=True), nullable=null)


def _ms(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _text(name: str, *, null: bool = False, key: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null, primary_key=key)


def _int(name: str, *, null: bool = False, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null, primary_key=key, autoincrement=False)


def _maybe_ms(*names: str) -> list[Column[int]]:
    return [_ms(name, null=True) for name in names]


def _maybe_text(*names: str) -> list[Column[str]]:
    return [_text(name, null=True) for name in names]


def _texts(*names: str) -> list[Column[str]]:
    return [_text(name) for name in names]


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _to(table: str, column: str) -> ForeignKeyConstraint:
    """A reference that stays inside the tenant."""
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"])


def _partial(name: str, where: str, *columns: str, unique: bool = False) -> Index:
    """An index over the rows for which a condition holds."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


def _owned(name: str, *items: SchemaItem) -> Table:
    """A table of a tenant, keyed by what its columns say."""
    tenant = Column("tenant_id", Integer, ForeignKey("tenants.id"), primary_key=True, autoincrement=False)
    return Table(name, metadata, tenant, *items)


def _numbered(name: str, *items: SchemaItem) -> Table:
    """A table of a tenant whose rows have an `id`."""
    return _owned(name, Column("id", BigInteger, Identity(), primary_key=True), *items)


tenants = Table(
    "tenants",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
)
wards = _numbered(
    "wards",
    *_texts("key", "name"),
    _int("night_from_minute"),
    _int("night_to_minute"),
    UniqueConstraint("tenant_id", "key"),
)
rooms = _numbered(
    "rooms",
    _int("ward_id"),
    *_texts("key", "number", "name"),
    _to("wards", "ward_id"),
    UniqueConstraint("tenant_id", "key"),
)
residents = _numbered("residents", _text("key"), _text("name"), UniqueConstraint("tenant_id", "key"))
stays = _numbered(
    "stays",
    _int("resident_id"),
    _int("room_id"),
    _ms("from_ms"),
    _ms("to_ms", null=True),
    _to("residents", "resident_id"),
    _to("rooms", "room_id"),
    Index("ix_stays_room", "tenant_id", "room_id"),
)
door_windows = _numbered(
    "door_windows",
    _int("resident_id"),
    _int("from_minute"),
    _int("to_minute"),
    _to("residents", "resident_id"),
    UniqueConstraint("tenant_id", "resident_id", "from_minute", "to_minute"),
)
devices = _numbered(
    "devices",
    _text("address"),
    _int("gateway_id", null=True),
    _text("name"),
    _flag("mute"),
    _to("gateways", "gateway_id"),
    UniqueConstraint("tenant_id", "address"),
)
placements = _numbered(
    "placements",
    _int("device_id"),
    _int("room_id"),
    _text("spot"),
    _ms("from_ms"),
    _ms("to_ms", null=True),
    _to("devices", "device_id"),
    _to("rooms", "room_id"),
    Index("ix_placements_device", "tenant_id", "device_id"),
)
gateways = _numbered(
    "gateways",
    *_texts("key", "name"),
    _int("ward_id"),
    _text("credential_sha256"),
    _ms("revoked_ms", null=True),
    _int("current_stream_id", null=True),
    _ms("last_heartbeat_ms", null=True),
    _json("last_sent", null=True),
    _json("health", null=True),
    _json("held", null=True),
    _json("complete_to", null=True),
    _ms("complete_to_ms", null=True),
    _to("wards", "ward_id"),
    UniqueConstraint("tenant_id", "key"),
)
streams = _numbered(
    "streams",
    _int("gateway_id"),
    _text("stream"),
    _int("first_seq", null=True),
    _int("mark"),
    _json("ranges"),
    _int("dated_seq", null=True),
    _ms("dated_ms", null=True),
    _text("previous_stream", null=True),
    _int("previous_last_seq", null=True),
    _int("started_seq", null=True),
    _ms("first_heartbeat_ms", null=True),
    _json("missing", null=True),
    _to("gateways", "gateway_id"),
    UniqueConstraint("tenant_id", "gateway_id", "stream"),
)
boots = _owned(
    "boots",
    _int("gateway_id", key=True),
    _text("boot", key=True),
    _ms("boottime_ms"),
    _ms("wall_ms"),
    _to("gateways", "gateway_id"),
)
device_states = _owned(
    "device_states",
    _int("gateway_id", key=True),
    _text("address", key=True),
    _ms("last_heard_ms", null=True),
    _json("readings"),
    *_maybe_ms("changed_ms", "unknown_since_ms"),
    _text("unknown_reason", null=True),
    _ms("known_after_ms", null=True),
    _flag("needs_event"),
    _to("gateways", "gateway_id"),
)
events = _owned(
    "events",
    _int("gateway_id", key=True),
    _int("stream_id", key=True),
    _int("seq", key=True),
    _int("variant", key=True),
    *_texts("kind", "urgency"),
    _text("device", null=True),
    _ms("occurred_from_ms"),
    _ms("occurred_to_ms"),
    _ms("received_ms"),
    Column("raw", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    _int("alarm_id", null=True),
    *_maybe_text("outcome_reason", "twin_of"),
    _to("streams", "stream_id"),
    _partial(
        "ix_events_unhandled",
        "urgency = 'A' AND alarm_id IS NULL AND outcome_reason IS NULL",
        "tenant_id",
        "received_ms",
    ),
    _partial("ix_events_urgent", "urgency = 'A'", "tenant_id", "device", "occurred_to_ms"),
)
refused_rows = _numbered(
    "refused_rows",
    _int("gateway_id"),
    _text("stream", null=True),
    _int("seq", null=True),
    _ms("received_ms"),
    *_texts("field", "reason"),
    _flag("urgent"),
    Column("raw", LargeBinary, nullable=False),
    _text("sha256"),
    _to("gateways", "gateway_id"),
    UniqueConstraint("tenant_id", "gateway_id", "sha256"),
)
rule_states = _owned("rule_states", _text("subject", key=True), _text("rule", key=True), _json("state"))
wake_rows = _owned(
    "wake_rows",
    _text("subject", key=True),
    _text("rule", key=True),
    _ms("wake_at_ms"),
    Index("ix_wake_rows_due", "tenant_id", "wake_at_ms"),
)
sweep_runs = _owned("sweep_runs", _ms("at_ms"))
alarms = _numbered(
    "alarms",
    *_texts("subject", "rule", "kind"),
    _int("priority"),
    _int("ward_id"),
    _int("room_id", null=True),
    _int("resident_id", null=True),
    *_texts("place", "state"),
    _int("version"),
    _int("sound_seq"),
    _ms("raised_ms"),
    _ms("occurred_from_ms"),
    _ms("occurred_to_ms"),
    _text("reason_code"),
    _json("reason_params"),
    _int("taken_by", null=True),
    *_maybe_ms("taken_ms", "on_site_ms", "closed_ms"),
    *_maybe_text("cause", "action", "note"),
    _to("wards", "ward_id"),
    _to("rooms", "room_id"),
    _to("residents", "resident_id"),
    _to("staff", "taken_by"),
    # At most one alarm that later events may join; whoever would raise a second finds the first instead.
    _partial(
        "uq_alarms_joinable", "on_site_ms IS NULL AND closed_ms IS NULL", "tenant_id", "subject", "rule", unique=True
    ),
    _partial("ix_alarms_open", "closed_ms IS NULL", "tenant_id", "ward_id"),
    Index("ix_alarms_subject", "tenant_id", "subject", "rule", "id"),
)
alarm_events = _owned(
    "alarm_events",
    _text("subject", key=True),
    _text("rule", key=True),
    _int("gateway_id", key=True),
    _int("stream_id", key=True),
    _int("seq", key=True),
    _int("variant", key=True),
    _int("alarm_id"),
    _to("alarms", "alarm_id"),
    Index("ix_alarm_events_alarm", "tenant_id", "alarm_id"),
)
transitions = _numbered(
    "transitions",
    _int("alarm_id"),
    _text("from_state", null=True),
    _text("to_state"),
    _ms("at_ms"),
    _int("staff_id", null=True),
    _int("tablet_id", null=True),
    _text("cause"),
    _json("detail"),
    _text("idempotency_key", null=True),
    _to("alarms", "alarm_id"),
    _to("staff", "staff_id"),
    _to("tablets", "tablet_id"),
    UniqueConstraint("tenant_id", "idempotency_key"),
    Index("ix_transitions_alarm", "tenant_id", "alarm_id"),
)
live_seq = _owned("live_seq", _int("seq"))
notices = _numbered(
    "notices",
    _int("alarm_id"),
    _int("tablet_id"),
    _int("sound_seq"),
    _text("state"),
    _ms("made_ms"),
    *_maybe_ms("lease_until_ms", "sent_ms", "shown_ms", "sounded_ms", "seen_ms", "taken_ms", "failed_ms"),
    _text("reason", null=True),
    _to("alarms", "alarm_id"),
    _to("tablets", "tablet_id"),
    UniqueConstraint("tenant_id", "alarm_id", "tablet_id", "sound_seq"),
    Index("ix_notices_tablet", "tenant_id", "tablet_id", "id"),
)
staff = _numbered(
    "staff",
    *_texts("key", "name", "initials"),
    _text("pin_argon2", null=True),
    _flag("active"),
    UniqueConstraint("tenant_id", "key"),
)
staff_wards = _owned(
    "staff_wards",
    _int("staff_id", key=True),
    _int("ward_id", key=True),
    _to("staff", "staff_id"),
    _to("wards", "ward_id"),
)
tablets = _numbered(
    "tablets",
    _int("ward_id"),
    *_texts("name", "token_sha256"),
    _ms("enrolled_ms"),
    _ms("revoked_ms", null=True),
    _json("last_presence", null=True),
    _ms("last_presence_ms", null=True),
    _to("wards", "ward_id"),
)
tablet_codes = _owned(
    "tablet_codes",
    _text("code_sha256", key=True),
    _int("ward_id"),
    _text("name"),
    _ms("expires_ms"),
    _ms("used_ms", null=True),
    _to("wards", "ward_id"),
)
person_sessions = _owned(
    "person_sessions",
    _text("token_sha256", key=True),
    _int("staff_id"),
    _int("tablet_id"),
    _ms("started_ms"),
    _ms("last_used_ms"),
    _ms("ends_ms"),
    _to("staff", "staff_id"),
    _to("tablets", "tablet_id"),
)
pin_attempts = _numbered(
    "pin_attempts",
    _int("tablet_id"),
    _int("staff_id", null=True),
    _ms("at_ms"),
    _flag("succeeded"),
    _to("tablets", "tablet_id"),
    _to("staff", "staff_id"),
    Index("ix_pin_attempts_tablet", "tenant_id", "tablet_id", "at_ms"),
)
access_log = _numbered(
    "access_log",
    _ms("at_ms"),
    _int("staff_id", null=True),
    _int("tablet_id", null=True),
    _int("resident_id", null=True),
    _text("what"),
)

TENANT_TABLES: tuple[Table, ...] = tuple(table for table in metadata.sorted_tables if table is not tenants)
"""All tables that row-level security guards."""
