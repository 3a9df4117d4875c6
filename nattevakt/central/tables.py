"""The tables of the centre, as SQLAlchemy Core metadata; those of plans and rounds are in tables_plans.py,
those of duty and of other roads than tablets in tables_duty.py. Serves arrows 6 to 9.

Owns names, keys and constraints; migrations/ makes the same on disk, and a test compares the two. Must not
know what the rows are used for. Every table but `tenants` begins its key with `tenant_id` and is hidden from
other tenants by row-level security on PostgreSQL.

Times are Unix milliseconds UTC (`_ms`); minutes of the day are local (`_minute`).
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from nattevakt.central.columns import (
    flag,
    integer,
    json_of,
    maybe_ms,
    maybe_text,
    metadata,
    ms,
    numbered,
    owned,
    partial,
    text_of,
    texts,
    to,
)
from nattevakt.central.tables_duty import DUTY_TABLES
from nattevakt.central.tables_plans import PLAN_TABLES

tenants = Table(
    "tenants",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
)
wards = numbered(
    "wards",
    *texts("key", "name"),
    integer("night_from_minute"),
    integer("night_to_minute"),
    UniqueConstraint("tenant_id", "key"),
)
rooms = numbered(
    "rooms",
    integer("ward_id"),
    *texts("key", "number", "name"),
    to("wards", "ward_id"),
    UniqueConstraint("tenant_id", "key"),
)
residents = numbered("residents", text_of("key"), text_of("name"), UniqueConstraint("tenant_id", "key"))
stays = numbered(
    "stays",
    integer("resident_id"),
    integer("room_id"),
    ms("from_ms"),
    ms("to_ms", null=True),
    to("residents", "resident_id"),
    to("rooms", "room_id"),
    Index("ix_stays_room", "tenant_id", "room_id"),
)
devices = numbered(
    "devices",
    text_of("address"),
    integer("gateway_id", null=True),
    text_of("name"),
    flag("mute"),
    integer("interval_s", null=True),
    text_of("model", null=True),
    to("gateways", "gateway_id"),
    UniqueConstraint("tenant_id", "address"),
    Index("ix_devices_gateway", "tenant_id", "gateway_id"),
)
placements = numbered(
    "placements",
    integer("device_id"),
    integer("room_id"),
    text_of("spot"),
    ms("from_ms"),
    ms("to_ms", null=True),
    to("devices", "device_id"),
    to("rooms", "room_id"),
    Index("ix_placements_device", "tenant_id", "device_id"),
    Index("ix_placements_room", "tenant_id", "room_id"),
)
gateways = numbered(
    "gateways",
    *texts("key", "name"),
    integer("ward_id"),
    text_of("credential_sha256"),
    ms("revoked_ms", null=True),
    integer("current_stream_id", null=True),
    ms("last_heartbeat_ms", null=True),
    json_of("last_sent", null=True),
    json_of("health", null=True),
    json_of("held", null=True),
    json_of("complete_to", null=True),
    ms("complete_to_ms", null=True),
    # Of the list in `listed_devices`; NULL where the gateway has told none.
    text_of("list_digest", null=True),
    to("wards", "ward_id"),
    UniqueConstraint("tenant_id", "key"),
)
streams = numbered(
    "streams",
    integer("gateway_id"),
    text_of("stream"),
    integer("first_seq", null=True),
    integer("mark"),
    json_of("ranges"),
    integer("dated_seq", null=True),
    ms("dated_ms", null=True),
    # Of the row that `dated_ms` is of, by the gateway's steady clock.
    text_of("dated_boot", null=True),
    ms("dated_boottime_ms", null=True),
    text_of("previous_stream", null=True),
    integer("previous_last_seq", null=True),
    integer("started_seq", null=True),
    ms("first_heartbeat_ms", null=True),
    json_of("missing", null=True),
    to("gateways", "gateway_id"),
    UniqueConstraint("tenant_id", "gateway_id", "stream"),
)
listed_devices = owned(
    "listed_devices",
    integer("gateway_id", key=True),
    text_of("address", key=True),
    text_of("use"),
    to("gateways", "gateway_id"),
    Index("ix_listed_devices_address", "tenant_id", "address", "gateway_id"),
)
boots = owned(
    "boots",
    integer("gateway_id", key=True),
    text_of("boot", key=True),
    ms("boottime_ms"),
    ms("wall_ms"),
    to("gateways", "gateway_id"),
)
device_states = owned(
    "device_states",
    integer("gateway_id", key=True),
    text_of("address", key=True),
    ms("last_heard_ms", null=True),
    json_of("readings"),
    *maybe_ms("changed_ms", "unknown_since_ms"),
    text_of("unknown_reason", null=True),
    ms("known_after_ms", null=True),
    flag("needs_event"),
    ms("proved_ms", null=True),
    to("gateways", "gateway_id"),
)
events = owned(
    "events",
    integer("gateway_id", key=True),
    integer("stream_id", key=True),
    integer("seq", key=True),
    integer("variant", key=True),
    *texts("kind", "urgency"),
    text_of("device", null=True),
    ms("occurred_from_ms"),
    ms("occurred_to_ms"),
    ms("received_ms"),
    Column("raw", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    integer("alarm_id", null=True),
    *maybe_text("outcome_reason", "twin_of"),
    to("streams", "stream_id"),
    partial(
        "ix_events_unhandled",
        "urgency = 'A' AND alarm_id IS NULL AND outcome_reason IS NULL",
        "tenant_id",
        "received_ms",
    ),
    partial("ix_events_urgent", "urgency = 'A'", "tenant_id", "device", "occurred_to_ms"),
    partial("ix_events_edges", "urgency = 'B'", "tenant_id", "device", "occurred_to_ms"),
    partial("ix_events_health", "kind = 'health'", "tenant_id", "device", "occurred_to_ms"),
)
for _reference in events.foreign_key_constraints:
    # What guards them on PostgreSQL stands in version 0007.
    _reference.info["only"] = "sqlite"
refused_rows = numbered(
    "refused_rows",
    integer("gateway_id"),
    text_of("stream", null=True),
    integer("seq", null=True),
    ms("received_ms"),
    *texts("field", "reason"),
    flag("urgent"),
    Column("raw", LargeBinary, nullable=False),
    text_of("sha256"),
    to("gateways", "gateway_id"),
    UniqueConstraint("tenant_id", "gateway_id", "sha256"),
)
rule_states = owned("rule_states", text_of("subject", key=True), text_of("rule", key=True), json_of("state"))
wake_rows = owned(
    "wake_rows",
    text_of("subject", key=True),
    text_of("rule", key=True),
    ms("wake_at_ms"),
    # look_ms: not before then, because its judgement waits; waits_for: the gateway whose data it waits for.
    ms("look_ms", null=True),
    integer("waits_for", null=True),
    Index("ix_wake_rows_due", "tenant_id", "wake_at_ms"),
    partial("ix_wake_rows_waiting", "waits_for IS NOT NULL", "tenant_id", "waits_for"),
)
sweep_runs = owned("sweep_runs", ms("at_ms"), ms("grace_ms", null=True))
alarms = numbered(
    "alarms",
    *texts("subject", "rule", "kind"),
    integer("priority"),
    integer("ward_id"),
    integer("room_id", null=True),
    integer("resident_id", null=True),
    *texts("place", "state"),
    integer("version"),
    integer("sound_seq"),
    ms("raised_ms"),
    ms("occurred_from_ms"),
    ms("occurred_to_ms"),
    text_of("reason_code"),
    json_of("reason_params"),
    integer("taken_by", null=True),
    *maybe_ms("taken_ms", "on_site_ms", "closed_ms"),
    # Until when whoever has it has time, and how many minutes they promised where they did.
    ms("due_ms", null=True),
    integer("promised_min", null=True),
    # The last step of its escalation that was taken, counted from 0, and when; NULL before there was any.
    integer("step", null=True),
    ms("step_ms", null=True),
    *maybe_text("cause", "action", "note"),
    # The version of the resident's plan that raised it, and what must be said beside it ("paused", "startup", ...).
    integer("plan_version_id", null=True),
    json_of("marks"),
    to("wards", "ward_id"),
    to("rooms", "room_id"),
    to("residents", "resident_id"),
    to("staff", "taken_by"),
    # At most one alarm that later events may join; whoever would raise a second finds the first instead.
    partial(
        "uq_alarms_joinable", "on_site_ms IS NULL AND closed_ms IS NULL", "tenant_id", "subject", "rule", unique=True
    ),
    partial("ix_alarms_open", "closed_ms IS NULL", "tenant_id", "ward_id"),
    Index("ix_alarms_subject", "tenant_id", "subject", "rule", "id"),
    Index("ix_alarms_raised", "tenant_id", "raised_ms"),
)
alarm_events = owned(
    "alarm_events",
    text_of("subject", key=True),
    text_of("rule", key=True),
    integer("gateway_id", key=True),
    integer("stream_id", key=True),
    integer("seq", key=True),
    integer("variant", key=True),
    integer("alarm_id"),
    to("alarms", "alarm_id"),
    Index("ix_alarm_events_alarm", "tenant_id", "alarm_id"),
)
transitions = numbered(
    "transitions",
    integer("alarm_id"),
    text_of("from_state", null=True),
    text_of("to_state"),
    ms("at_ms"),
    integer("staff_id", null=True),
    integer("tablet_id", null=True),
    text_of("cause"),
    json_of("detail"),
    text_of("idempotency_key", null=True),
    to("alarms", "alarm_id"),
    to("staff", "staff_id"),
    to("tablets", "tablet_id"),
    UniqueConstraint("tenant_id", "idempotency_key"),
    Index("ix_transitions_alarm", "tenant_id", "alarm_id"),
)
live_seq = owned("live_seq", integer("seq"))
notices = numbered(
    "notices",
    integer("alarm_id"),
    integer("tablet_id"),
    integer("sound_seq"),
    text_of("state"),
    ms("made_ms"),
    *maybe_ms("lease_until_ms", "sent_ms", "shown_ms", "sounded_ms", "seen_ms", "taken_ms", "failed_ms"),
    text_of("reason", null=True),
    to("alarms", "alarm_id"),
    to("tablets", "tablet_id"),
    UniqueConstraint("tenant_id", "alarm_id", "tablet_id", "sound_seq"),
    Index("ix_notices_tablet", "tenant_id", "tablet_id", "id"),
)
staff = numbered(
    "staff",
    *texts("key", "name", "initials"),
    text_of("pin_argon2", null=True),
    flag("active"),
    # Leads a ward: may change plans.
    flag("lead"),
    # For text messages while on duty, as "+4790000000".
    text_of("phone", null=True),
    UniqueConstraint("tenant_id", "key"),
)
staff_wards = owned(
    "staff_wards",
    integer("staff_id", key=True),
    integer("ward_id", key=True),
    to("staff", "staff_id"),
    to("wards", "ward_id"),
)
tablets = numbered(
    "tablets",
    integer("ward_id"),
    *texts("name", "token_sha256"),
    ms("enrolled_ms"),
    ms("revoked_ms", null=True),
    json_of("last_presence", null=True),
    ms("last_presence_ms", null=True),
    to("wards", "ward_id"),
)
tablet_codes = owned(
    "tablet_codes",
    text_of("code_sha256", key=True),
    integer("ward_id"),
    text_of("name"),
    ms("expires_ms"),
    ms("used_ms", null=True),
    to("wards", "ward_id"),
)
person_sessions = owned(
    "person_sessions",
    text_of("token_sha256", key=True),
    integer("staff_id"),
    integer("tablet_id"),
    ms("started_ms"),
    ms("last_used_ms"),
    ms("ends_ms"),
    to("staff", "staff_id"),
    to("tablets", "tablet_id"),
)
pin_attempts = numbered(
    "pin_attempts",
    integer("tablet_id"),
    integer("staff_id", null=True),
    ms("at_ms"),
    flag("succeeded"),
    to("tablets", "tablet_id"),
    to("staff", "staff_id"),
    Index("ix_pin_attempts_tablet", "tenant_id", "tablet_id", "at_ms"),
)
access_log = numbered(
    "access_log",
    ms("at_ms"),
    integer("staff_id", null=True),
    integer("tablet_id", null=True),
    integer("resident_id", null=True),
    text_of("what"),
    Index("ix_access_log_reader", "tenant_id", "staff_id", "tablet_id", "at_ms"),
    Index("ix_access_log_what", "tenant_id", "what"),
)

_OWN = tuple(
    table for table in metadata.sorted_tables if table is not tenants and table not in (*PLAN_TABLES, *DUTY_TABLES)
)
TENANT_TABLES: tuple[Table, ...] = (*_OWN, *PLAN_TABLES, *DUTY_TABLES)
"""All tables that row-level security guards."""
