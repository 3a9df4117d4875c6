"""Tests of the whole way, for programs: how each chain stands, one test, and asking for more. Serves arrow 9.

Owns the addresses under /v1/admin/chain-tests. Must not know SQL, or when a test counts.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from nattevakt.central.admin import chain_routes, chain_view
from nattevakt.central.admin.api_bodies import ChainTestBody, read
from nattevakt.central.admin.api_told import told
from nattevakt.central.admin.web import ApiRoute
from nattevakt.central.admin.who import lead_of, note_reading, wards_of
from nattevakt.central.chain import certificates
from nattevakt.central.tablet.web import answer, json_body

router = APIRouter(route_class=ApiRoute)
PATH = "/chain-tests"


@router.get(PATH, **told())
def listed(request: Request) -> Response:
    """All chains of the lead's wards, three for each resident: one a shift (`dag`, `kveld`, `natt`).

    `standing`: `good`, `old` (longer ago than `valid_days`), `changed` (what it rests on is not what it was), `failed`
    (the last test did not come through), `never`, or `no_sensor`.
    """
    lead = lead_of(request)
    days = request.app.state.config.chain.valid_days
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        lines = certificates.of_wards(s, [ward.id for ward in wards_of(s, lead)], lead.now_ms, days)
    note_reading(request, lead, "chain_tests", {line.setup.resident_id for line in lines})
    return answer({"valid_days": days, "chains": [chain_view.plain_line(line) for line in lines]})


@router.get(PATH + "/{test_id}", **told())
def one(request: Request, test_id: int) -> Response:
    """One test: when it took each step, what it went through, and where it stopped if it did (`reason`)."""
    _, row = chain_routes.told(request, test_id)
    return answer(chain_view.plain(row))


@router.post(PATH, **told(ChainTestBody))
def ask(request: Request, body: Annotated[dict[str, object], Depends(json_body)]) -> Response:
    """Ask for a test of one resident's chain, or of all of a ward. One that is under way already is not asked for anew.

    `refused`: by resident, why there is none: `no_sensor` or `too_many`.
    """
    wanted = read(ChainTestBody, body)
    lead = lead_of(request)
    found = chain_routes.order(request, lead, ward_id=wanted.ward_id, resident_id=wanted.resident_id)
    return answer({"ids": list(found.ids), "refused": {str(key): why for key, why in found.refused.items()}})
