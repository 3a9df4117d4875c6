"""The tables of plans and rounds: what is watched, on which ground, and who goes to look. Serves arrows 6 to 9.

Owns names, keys and constraints, as tables.py does for the others. Must not know what the rows are used for.

Times are Unix milliseconds UTC (`_ms`); minutes of the day are local (`minute`), days are days since 1970-01-01.
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
    text_of,
    texts,
    to,
)

plans = numbered(
    "plans",
    integer("resident_id"),
    # The version that holds; compare and swap.
    integer("version"),
    *maybe_ms("startup_to_ms", "ended_ms"),
    to("residents", "resident_id"),
    UniqueConstraint("tenant_id", "resident_id"),
)
plan_versions = numbered(
    "plan_versions",
    integer("plan_id"),
    integer("version"),
    ms("at_ms"),
    integer("staff_id", null=True),
    *texts("by_name", "why"),
    json_of("body"),
    # Of the body as canonical JSON: equal bodies have equal sums.
    text_of("sha"),
    to("plans", "plan_id"),
    to("staff", "staff_id"),
    UniqueConstraint("tenant_id", "plan_id", "version"),
)
bases = numbered(
    "bases",
    integer("resident_id"),
    text_of("kind"),
    ms("from_ms"),
    ms("review_ms"),
    text_of("responsible"),
    ms("made_ms"),
    integer("staff_id", null=True),
    ms("ended_ms", null=True),
    integer("ended_by", null=True),
    to("residents", "resident_id"),
    to("staff", "staff_id"),
    to("staff", "ended_by"),
    Index("ix_bases_resident", "tenant_id", "resident_id", "review_ms"),
)
pauses = numbered(
    "pauses",
    integer("resident_id"),
    # NULL: all rules of the plan.
    text_of("rule", null=True),
    ms("from_ms"),
    ms("to_ms"),
    text_of("reason"),
    integer("staff_id", null=True),
    ms("ended_ms", null=True),
    integer("ended_by", null=True),
    to("residents", "resident_id"),
    to("staff", "staff_id"),
    to("staff", "ended_by"),
    Index("ix_pauses_resident", "tenant_id", "resident_id", "to_ms"),
)
findings = owned(
    "findings",
    text_of("address", key=True),
    text_of("rule", key=True),
    text_of("code", key=True),
    integer("day", key=True),
    ms("at_ms"),
    json_of("params"),
    Index("ix_findings_day", "tenant_id", "day"),
)
round_times = numbered(
    "round_times",
    # One of the two.
    integer("ward_id", null=True),
    integer("resident_id", null=True),
    integer("minute"),
    integer("weekdays"),
    to("wards", "ward_id"),
    to("residents", "resident_id"),
)
round_tasks = numbered(
    "round_tasks",
    integer("resident_id"),
    integer("room_id", null=True),
    integer("ward_id"),
    ms("due_ms"),
    *texts("kind", "why", "state"),
    integer("attempt"),
    ms("done_ms", null=True),
    integer("staff_id", null=True),
    integer("tablet_id", null=True),
    *maybe_text("how", "note"),
    to("residents", "resident_id"),
    to("rooms", "room_id"),
    to("wards", "ward_id"),
    to("staff", "staff_id"),
    to("tablets", "tablet_id"),
    UniqueConstraint("tenant_id", "resident_id", "due_ms", "why", "kind", "attempt", name="uq_round_tasks_once"),
    Index("ix_round_tasks_ward", "tenant_id", "ward_id", "due_ms"),
    Index("ix_round_tasks_state", "tenant_id", "state", "due_ms"),
)
round_log = numbered(
    "round_log",
    integer("task_id"),
    ms("at_ms"),
    integer("staff_id", null=True),
    integer("tablet_id", null=True),
    text_of("from_state", null=True),
    *texts("to_state", "what"),
    to("round_tasks", "task_id"),
    to("staff", "staff_id"),
    to("tablets", "tablet_id"),
    Index("ix_round_log_task", "tenant_id", "task_id"),
)

PLAN_TABLES: tuple[Table, ...] = (
    plans,
    plan_versions,
    bases,
    pauses,
    findings,
    round_times,
    round_tasks,
    round_log,
)
"""All of these; they refer to tables of tables.py."""
