"""Plans with versions, their legal basis, pauses, findings and rounds; marks on alarms and leads among the staff.

Owns what is on disk after version 0004. Never changed once released: a later change is a later version.

The windows of before become version 1 of a plan ("overført"), with a basis of their own kind that must be looked
through within 30 days: what was watched is watched on, and nobody has said yet on which ground.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

REVIEW_MS = 30 * 86_400_000
_TYPES = {"int": sa.BigInteger, "text": sa.Text, "json": sa.JSON}
_NEW = (
    "plans",
    "plan_versions",
    "bases",
    "pauses",
    "findings",
    "round_times",
    "round_tasks",
    "round_log",
)


def upgrade() -> None:
    """Bring a database of version 0003 here."""
    op.add_column("alarms", sa.Column("plan_version_id", sa.BigInteger(), nullable=True))
    op.add_column("alarms", sa.Column("marks", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    op.create_index("ix_alarms_raised", "alarms", ["tenant_id", "raised_ms"])
    op.add_column("staff", sa.Column("lead", sa.Boolean(), nullable=False, server_default=sa.false()))
    health = sa.text("kind = 'health'")
    op.create_index(
        "ix_events_health",
        "events",
        ["tenant_id", "device", "occurred_to_ms"],
        sqlite_where=health,
        postgresql_where=health,
    )
    _plans()
    _rounds()
    _carry_over()
    op.drop_table("door_windows")
    op.drop_table("bed_windows")
    if op.get_bind().dialect.name == "postgresql":
        for name in _NEW:
            _guard(name)


def _plans() -> None:
    resident, staff = {"resident_id": "residents"}, {"staff_id": "staff"}
    _table(
        "plans",
        "id, resident_id int, version int, startup_to_ms int?, ended_ms int?",
        resident,
        unique=["resident_id"],
    )
    _table(
        "plan_versions",
        "id, plan_id int, version int, at_ms int, staff_id int?, by_name text, why text, body json, sha text",
        {"plan_id": "plans", **staff},
        unique=["plan_id", "version"],
    )
    by = {**resident, **staff, "ended_by": "staff"}
    _table(
        "bases",
        "id, resident_id int, kind text, from_ms int, review_ms int, responsible text, made_ms int, staff_id int?, "
        "ended_ms int?, ended_by int?",
        by,
    )
    op.create_index("ix_bases_resident", "bases", ["tenant_id", "resident_id", "review_ms"])
    _table(
        "pauses",
        "id, resident_id int, rule text?, from_ms int, to_ms int, reason text, staff_id int?, ended_ms int?, "
        "ended_by int?",
        by,
    )
    op.create_index("ix_pauses_resident", "pauses", ["tenant_id", "resident_id", "to_ms"])
    _table(
        "findings",
        "address text, rule text, code text, day int, at_ms int, params json",
        {},
        key=["address", "rule", "code", "day"],
    )
    op.create_index("ix_findings_day", "findings", ["tenant_id", "day"])


def _rounds() -> None:
    ward, resident = {"ward_id": "wards"}, {"resident_id": "residents"}
    _table(
        "round_times",
        "id, ward_id int?, resident_id int?, minute int, weekdays int",
        {**ward, **resident},
    )
    done = {"staff_id": "staff", "tablet_id": "tablets"}
    _table(
        "round_tasks",
        "id, resident_id int, room_id int?, ward_id int, due_ms int, kind text, why text, state text, attempt int, "
        "done_ms int?, staff_id int?, tablet_id int?, how text?, note text?",
        {**resident, "room_id": "rooms", **ward, **done},
        unique=["resident_id", "due_ms", "why", "kind", "attempt"],
        unique_name="uq_round_tasks_once",
    )
    op.create_index("ix_round_tasks_ward", "round_tasks", ["tenant_id", "ward_id", "due_ms"])
    op.create_index("ix_round_tasks_state", "round_tasks", ["tenant_id", "state", "due_ms"])
    _table(
        "round_log",
        "id, task_id int, at_ms int, staff_id int?, tablet_id int?, from_state text?, to_state text, what text",
        {"task_id": "round_tasks", **done},
    )
    op.create_index("ix_round_log_task", "round_log", ["tenant_id", "task_id"])


def _table(
    name: str,
    columns: str,
    refs: Mapping[str, str],
    *,
    unique: list[str] | None = None,
    unique_name: str = "",
    key: list[str] | None = None,
) -> None:
    """A table of a tenant; `columns` is "name kind, ..." with "?" where NULL may stand, and "id" for a number."""
    parts: list[Any] = [sa.Column("tenant_id", sa.Integer(), nullable=False)]
    for column in columns.split(", "):
        word, _, kind = column.partition(" ")
        if not kind:
            parts.append(sa.Column(word, sa.BigInteger(), sa.Identity(), nullable=False))
        else:
            parts.append(sa.Column(word, _TYPES[kind.rstrip("?")](), nullable=kind.endswith("?")))
    parts.append(sa.PrimaryKeyConstraint("tenant_id", *(key or ["id"]), name=f"pk_{name}"))
    parts.append(sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=f"fk_{name}_tenant_id"))
    for column, other in refs.items():
        ends = [f"{other}.tenant_id", f"{other}.id"]
        parts.append(sa.ForeignKeyConstraint(["tenant_id", column], ends, name=f"fk_{name}_tenant_id_{column}"))
    if unique:
        found = unique_name or f"uq_{name}_tenant_id_{'_'.join(unique)}"
        parts.append(sa.UniqueConstraint("tenant_id", *unique, name=found))
    op.create_table(name, *parts)


def _carry_over() -> None:
    """Each resident's windows, of every tenant, as version 1 of a plan with a basis of its own kind."""
    bind = op.get_bind()
    sqlite = bind.dialect.name == "sqlite"
    # The database's clock: a migration has no service time, and a month does not need one.
    clock = "strftime('%s', 'now')" if sqlite else "extract(epoch from now())"
    now_ms = int(bind.execute(sa.text(f"SELECT CAST({clock} AS bigint) * 1000")).scalar_one())
    for tenant in bind.execute(sa.text("SELECT id FROM tenants ORDER BY id")).scalars().all():
        if not sqlite:
            bind.execute(sa.text("SELECT set_config('nattevakt.tenant', :tenant, true)"), {"tenant": str(tenant)})
        for resident, lines in sorted(_lines(bind, tenant).items()):
            _carry(bind, tenant, resident, lines, now_ms)
        forget_states(bind, tenant)


def forget_states(bind: sa.Connection, tenant: int) -> None:
    """What the rule of the empty bed remembers in the form of before: this version cannot read it.

    Who is out of bed meanwhile is known again within a minute, from the stored events: the centre brings every plan
    whose rules nobody has set yet up to date (rearm.ensure). The rows stay, because they name the beds.
    """
    forget = "UPDATE rule_states SET state = '{}' WHERE tenant_id = :tenant AND rule = 'not_back_in_bed'"
    bind.execute(sa.text(forget), {"tenant": tenant})


def _lines(bind: sa.Connection, tenant: int) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    doors = "SELECT resident_id, from_minute, to_minute FROM door_windows WHERE tenant_id = :tenant ORDER BY id"
    opened: dict[int, list[dict[str, int]]] = {}
    for row in bind.execute(sa.text(doors), {"tenant": tenant}).all():
        opened.setdefault(row.resident_id, []).append(_window(row))
    for resident, windows in opened.items():
        found.setdefault(resident, []).append({"rule": "door_at_night", "windows": windows, "settings": {}})
    beds = (
        "SELECT resident_id, from_minute, to_minute, limit_min FROM bed_windows WHERE tenant_id = :tenant ORDER BY id"
    )
    for row in bind.execute(sa.text(beds), {"tenant": tenant}).all():
        settings = {"limit_min": int(row.limit_min)}
        line = {"rule": "not_back_in_bed", "windows": [_window(row)], "settings": settings}
        found.setdefault(row.resident_id, []).append(line)
    return found


def _window(row: sa.Row[Any]) -> dict[str, int]:
    return {"from_minute": int(row.from_minute), "to_minute": int(row.to_minute), "weekdays": 127}


def _carry(bind: sa.Connection, tenant: int, resident: int, lines: list[dict[str, Any]], now_ms: int) -> None:
    body = {"dense_rounds_min": None, "handling": "", "lines": lines, "responsible": ""}
    written = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    plan = _insert(bind, "plans", tenant, {"resident_id": resident, "version": 1})
    version = {"plan_id": plan, "version": 1, "at_ms": now_ms, "by_name": "overført", "why": "overført"}
    sha = hashlib.sha256(written.encode()).hexdigest()
    _insert(bind, "plan_versions", tenant, {**version, "body": written, "sha": sha})
    basis = {"resident_id": resident, "kind": "overfort", "from_ms": 0, "review_ms": now_ms + REVIEW_MS}
    _insert(bind, "bases", tenant, {**basis, "responsible": "", "made_ms": now_ms})


def _insert(bind: sa.Connection, table: str, tenant: int, values: Mapping[str, Any]) -> int:
    """One row; on SQLite its id is counted, on PostgreSQL drawn."""
    names = ["tenant_id", *values]
    places = [":tenant_id", *(f"CAST(:{name} AS json)" if name == "body" else f":{name}" for name in values)]
    if bind.dialect.name == "sqlite":
        places = [f":{name}" for name in names]
        names.append("id")
        places.append(f"(SELECT coalesce(max(id), 0) + 1 FROM {table} WHERE tenant_id = :tenant_id)")  # noqa: S608
    sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(places)}) RETURNING id"  # noqa: S608
    return int(bind.execute(sa.text(sql), {"tenant_id": tenant, **values}).scalar_one())


def _guard(name: str) -> None:
    """Hide every row from whoever has not said which tenant it speaks for; also from the table's owner."""
    same = "tenant_id = nullif(current_setting('nattevakt.tenant', true), '')::int"
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_tenant ON {name} USING ({same}) WITH CHECK ({same})")
