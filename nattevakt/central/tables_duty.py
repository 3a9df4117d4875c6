"""The tables of duty and of delivery beyond the tablets: who is asked, by which road, what came of it. Serves arrow 9.

Owns names, keys and constraints, as tables.py does for the others. Must not know what the rows are used for.

Times are Unix milliseconds UTC (`_ms`).
"""

from __future__ import annotations

from sqlalchemy import Index, Table, UniqueConstraint

from nattevakt.central.columns import (
    integer,
    json_of,
    maybe_ms,
    maybe_text,
    ms,
    numbered,
    owned,
    partial,
    text_of,
    texts,
    to,
)

routing_versions = numbered(
    "routing_versions",
    # The highest one holds.
    integer("version"),
    ms("at_ms"),
    integer("staff_id", null=True),
    *texts("by_name", "why"),
    json_of("body"),
    # Of the body as canonical JSON: equal bodies have equal sums.
    text_of("sha"),
    to("staff", "staff_id"),
    UniqueConstraint("tenant_id", "version"),
)
duties = numbered(
    "duties",
    integer("staff_id"),
    # The ward that is covered, or the zone by its key in the routing; with neither, the whole tenant.
    integer("ward_id", null=True),
    text_of("zone", null=True),
    text_of("role"),
    ms("from_ms"),
    ms("to_ms"),
    ms("made_ms"),
    integer("made_by", null=True),
    ms("ended_ms", null=True),
    to("staff", "staff_id"),
    to("wards", "ward_id"),
    to("staff", "made_by"),
    Index("ix_duties_to", "tenant_id", "to_ms"),
)
alarm_wards = owned(
    # Wards that an alarm rings in besides its own.
    "alarm_wards",
    integer("alarm_id", key=True),
    integer("ward_id", key=True),
    ms("at_ms"),
    text_of("why"),
    to("alarms", "alarm_id"),
    to("wards", "ward_id"),
    Index("ix_alarm_wards_ward", "tenant_id", "ward_id", "alarm_id"),
)
sendings = numbered(
    # One notice on any road but a tablet's page. channel: sms, push, webhook, siren. target: "staff:7",
    # "phone:+47...", "webhook:<key>", "gateway:3". step: the how-manieth step of the alarm's escalation sent it.
    "sendings",
    integer("alarm_id"),
    integer("sound_seq"),
    integer("step"),
    *texts("channel", "target", "state"),
    integer("attempts"),
    ms("made_ms"),
    # Not tried before then.
    ms("due_ms"),
    *maybe_ms("lease_until_ms", "sent_ms", "confirmed_ms", "failed_ms"),
    # reason: why it failed, last or for good. provider_ref: what the other side calls it.
    *maybe_text("reason", "provider_ref"),
    text_of("idempotency_key"),
    to("alarms", "alarm_id"),
    UniqueConstraint("tenant_id", "alarm_id", "sound_seq", "step", "channel", "target", name="uq_sendings_once"),
    UniqueConstraint("tenant_id", "idempotency_key"),
    partial("ix_sendings_due", "state IN ('pending', 'leased')", "tenant_id", "due_ms"),
)
channel_health = owned(
    "channel_health",
    # "sms", "push", "webhook:<key>", "siren:<gateway id>".
    text_of("channel", key=True),
    # since_ms: when it failed first since it last worked; NULL while it works. failures: how often since then.
    *maybe_ms("ok_ms", "failed_ms", "since_ms"),
    integer("failures"),
    text_of("reason", null=True),
)
push_subscriptions = numbered(
    "push_subscriptions",
    integer("staff_id"),
    *texts("endpoint", "p256dh", "auth"),
    ms("made_ms"),
    ms("ended_ms", null=True),
    text_of("reason", null=True),
    to("staff", "staff_id"),
    UniqueConstraint("tenant_id", "endpoint"),
)
handovers = numbered(
    "handovers",
    integer("ward_id"),
    ms("at_ms"),
    # Who leaves; NULL where nobody was there to hand over.
    integer("from_staff", null=True),
    integer("to_staff"),
    integer("tablet_id", null=True),
    # What was open, paused and unknown at that moment, as it was shown.
    json_of("body"),
    text_of("note"),
    to("wards", "ward_id"),
    to("staff", "from_staff"),
    to("staff", "to_staff"),
    to("tablets", "tablet_id"),
    Index("ix_handovers_ward", "tenant_id", "ward_id", "at_ms"),
)
chain_tests = numbered(
    # One test of the whole way from a resident's gateway to a tap. shift: of the day in which it is done.
    "chain_tests",
    integer("resident_id"),
    integer("ward_id"),
    integer("gateway_id", null=True),
    text_of("shift"),
    # What the gateway is asked to send back, 128 random bits.
    text_of("nonce"),
    *texts("state", "config_sha"),
    # What it went through, as it was called then: the certificate must be right years later.
    json_of("path"),
    ms("asked_ms"),
    integer("asked_by", null=True),
    # Given to the gateway, on its disk, here, on a screen, sounded, answered.
    *maybe_ms("given_ms", "appended_ms", "received_ms", "shown_ms", "sounded_ms", "tapped_ms", "failed_ms"),
    integer("tapped_by", null=True),
    integer("tablet_id", null=True),
    text_of("reason", null=True),
    to("residents", "resident_id"),
    to("wards", "ward_id"),
    to("gateways", "gateway_id"),
    to("staff", "asked_by"),
    to("staff", "tapped_by"),
    to("tablets", "tablet_id"),
    UniqueConstraint("tenant_id", "nonce"),
    Index("ix_chain_tests_resident", "tenant_id", "resident_id", "asked_ms"),
    partial("ix_chain_tests_open", "state IN ('asked', 'given', 'received')", "tenant_id", "ward_id"),
    partial("ix_chain_tests_done", "state = 'done'", "tenant_id", "ward_id", "id"),
)

DUTY_TABLES: tuple[Table, ...] = (
    routing_versions,
    duties,
    alarm_wards,
    sendings,
    channel_health,
    push_subscriptions,
    handovers,
    chain_tests,
)
"""All of these; they refer to tables of tables.py."""
