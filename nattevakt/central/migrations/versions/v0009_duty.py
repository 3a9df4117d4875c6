"""Who is asked after whom, who is on duty, roads beyond the tablets, handovers and tests of the whole way.

Owns what is on disk after version 0009. Never changed once released: a later change is a later version. What rings
already begins its way at the first step: the sweep gives it one (alarms/escalating.py).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nattevakt.central.migrations.making import index, table

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring a database of version 0008 here."""
    op.add_column("alarms", sa.Column("step", sa.BigInteger(), nullable=True))
    op.add_column("alarms", sa.Column("step_ms", sa.BigInteger(), nullable=True))
    op.add_column("staff", sa.Column("phone", sa.Text(), nullable=True))
    _who()
    _roads()
    _shift()


def _who() -> None:
    table(
        "routing_versions",
        "id, version int, at_ms int, staff_id int?, by_name text, why text, body json, sha text",
        {"staff_id": "staff"},
        unique={"uq_routing_versions_tenant_id_version": ["version"]},
    )
    table(
        "duties",
        "id, staff_id int, ward_id int?, zone text?, role text, from_ms int, to_ms int, made_ms int, made_by int?, "
        "ended_ms int?",
        {"staff_id": "staff", "ward_id": "wards", "made_by": "staff"},
    )
    index("duties", "ix_duties_to", "to_ms")
    table(
        "alarm_wards",
        "alarm_id int, ward_id int, at_ms int, why text",
        {"alarm_id": "alarms", "ward_id": "wards"},
        key=["alarm_id", "ward_id"],
    )
    index("alarm_wards", "ix_alarm_wards_ward", "ward_id", "alarm_id")


def _roads() -> None:
    table(
        "sendings",
        "id, alarm_id int, sound_seq int, step int, channel text, target text, state text, attempts int, made_ms int, "
        "due_ms int, lease_until_ms int?, sent_ms int?, confirmed_ms int?, failed_ms int?, reason text?, "
        "provider_ref text?, idempotency_key text",
        {"alarm_id": "alarms"},
        unique={
            "uq_sendings_once": ["alarm_id", "sound_seq", "step", "channel", "target"],
            "uq_sendings_tenant_id_idempotency_key": ["idempotency_key"],
        },
    )
    index("sendings", "ix_sendings_due", "due_ms", where="state IN ('pending', 'leased')")
    table(
        "channel_health",
        "channel text, ok_ms int?, failed_ms int?, since_ms int?, failures int, reason text?",
        {},
        key=["channel"],
    )
    table(
        "push_subscriptions",
        "id, staff_id int, endpoint text, p256dh text, auth text, made_ms int, ended_ms int?, reason text?",
        {"staff_id": "staff"},
        unique={"uq_push_subscriptions_tenant_id_endpoint": ["endpoint"]},
    )


def _shift() -> None:
    table(
        "handovers",
        "id, ward_id int, at_ms int, from_staff int?, to_staff int, tablet_id int?, body json, note text",
        {"ward_id": "wards", "from_staff": "staff", "to_staff": "staff", "tablet_id": "tablets"},
    )
    index("handovers", "ix_handovers_ward", "ward_id", "at_ms")
    table(
        "chain_tests",
        "id, resident_id int, ward_id int, gateway_id int?, shift text, nonce text, state text, config_sha text, "
        "path json, asked_ms int, asked_by int?, given_ms int?, appended_ms int?, received_ms int?, shown_ms int?, "
        "sounded_ms int?, tapped_ms int?, failed_ms int?, tapped_by int?, tablet_id int?, reason text?",
        {
            "resident_id": "residents",
            "ward_id": "wards",
            "gateway_id": "gateways",
            "asked_by": "staff",
            "tapped_by": "staff",
            "tablet_id": "tablets",
        },
        unique={"uq_chain_tests_tenant_id_nonce": ["nonce"]},
    )
    index("chain_tests", "ix_chain_tests_resident", "resident_id", "asked_ms")
    open_ones = "state IN ('asked', 'given', 'received')"
    index("chain_tests", "ix_chain_tests_open", "ward_id", where=open_ones)
    index("chain_tests", "ix_chain_tests_done", "ward_id", "id", where="state = 'done'")
