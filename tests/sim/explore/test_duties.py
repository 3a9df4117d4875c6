"""The duty plans of invented wards: some keep none, some a whole one, some have a hole that is there every day."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from nattevakt.central.seed_file import load_seed
from nattevakt.sim.explore.wards import duties_in, duties_of, on_duty, ward_of

OSLO = ZoneInfo("Europe/Oslo")
SEEDS = range(1, 61)


def uncovered_min(seed: int, begins: datetime) -> int:
    """For how many minutes of a day nobody is on duty."""
    plan, from_ms = duties_of(seed), round(begins.timestamp() * 1000)
    ends_ms = round((begins + timedelta(days=1)).timestamp() * 1000)
    return sum(10 for at_ms in range(from_ms, ends_ms, 600_000) if not on_duty(plan, at_ms, "Europe/Oslo"))


def test_wards_keep_no_plan_a_whole_one_or_one_with_a_hole() -> None:
    plans = {seed: duties_of(seed) for seed in SEEDS}
    assert {len(plan) for plan in plans.values()} == {0, 2}
    kept = {plans[seed]: seed for seed in SEEDS if plans[seed]}
    holes = {uncovered_min(seed, datetime(2026, 11, 10, 21, tzinfo=OSLO)) for seed in kept.values()}
    assert holes == {0, 120, 210}


@pytest.mark.parametrize("begins", [datetime(2026, 10, 24, 12, tzinfo=OSLO), datetime(2027, 3, 27, 12, tzinfo=OSLO)])
def test_a_whole_plan_is_whole_when_clocks_change(begins: datetime) -> None:
    whole = next(seed for seed in SEEDS if duties_of(seed) and duties_of(seed)[-1].to_at == "07:00")
    assert uncovered_min(whole, begins) == 0


def test_a_seed_file_has_the_plan_and_telephones_of_some(tmp_path: Path) -> None:
    phones = set()
    for seed in SEEDS:
        ward = ward_of(seed)
        assert duties_in(ward) == duties_of(seed)
        file = tmp_path / f"{seed}.toml"
        file.write_text(ward.seed_toml(), "utf-8")
        found = load_seed(file)
        assert [entry.staff for entry in found.duty] == [duty.worker for duty in duties_of(seed)]
        assert not any(worker.phone for worker in ward.staff) or duties_of(seed)
        phones.add(any(worker.phone for worker in ward.staff))
    assert phones == {False, True}
