"""Each part of the measurements runs once in a tiny size, so that it cannot rot; and figures are judged rightly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import burst, drivers, fanout, ingest, mqtt, outbox, rules, storm
from bench.figures import Bar, Figure, interleaved, report, table
from bench.floor import Floor
from nattevakt.edge.drivers.registry import MQTT_DIALECTS, SERIAL_DRIVERS


def figure(judged: float, bar: Bar | None) -> Figure:
    return Figure("part", "what", judged, 1.0, "ms", judged, bar)


def test_a_bar_is_met_on_its_good_side() -> None:
    assert figure(6.0, Bar(6)).verdict == "met"
    assert figure(6.1, Bar(6)).verdict == "MISSED"
    assert figure(0.35, Bar(0.35, at_most=False)).verdict == "met"
    assert figure(0.34, Bar(0.35, at_most=False)).verdict == "MISSED"
    assert figure(1.0, None).verdict == "-"


def test_a_drawn_bar_passes_its_mark_only_above_the_limit() -> None:
    assert "│" in figure(0.5, Bar(1)).drawn()
    assert "╋" in figure(1.2, Bar(1)).drawn()
    assert figure(9.0, Bar(1)).drawn().endswith("▸")


def test_turns_are_compared_with_the_floors_around_them() -> None:
    floors = iter([1.0, 3.0, 5.0])
    measured = iter([4.0, 4.0])
    found = interleaved(lambda: next(measured), lambda: next(floors), 2)
    assert (found.measured, found.floor, found.ratio) == (4.0, 3.0, 1.5)


def test_the_table_and_the_json_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report([figure(2.0, Bar(1))], str(tmp_path / "figures.json"))
    assert "MISSED" in capsys.readouterr().out
    (found,) = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert (found["judged"], found["verdict"]) == (2.0, "MISSED")
    assert "2.00 x" in table([figure(2.0, None)])


def test_the_outbox_is_measured() -> None:
    assert [round(found.floor, 6) > 0 for found in outbox.run(0.02, 1)] == [True, True]


def test_rules_are_measured() -> None:
    assert {found.what for found in rules.run(50, 1, 1)} >= {"call", "fall", "leak", "all, armed as in the year"}


def test_every_driver_is_measured() -> None:
    found = {one.what.partition(",")[0] for one in drivers.run(100, 1)}
    assert found >= set(SERIAL_DRIVERS)
    assert found <= {*SERIAL_DRIVERS, *MQTT_DIALECTS}


def test_the_bare_chain_answers(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    assert floor.round_ms() > 0
    floor.close()


def test_ingest_is_measured() -> None:
    found = ingest.run(None, ingest.TINY, 1)
    assert len(found) == 3 * len(ingest.TINY)
    assert all(one.measured > 0 for one in found)


def test_a_storm_is_measured() -> None:
    found = storm.run(None, storm.Shape(3, 1, 3, 1))
    assert all(one.measured > 0 for one in found)


def test_a_power_cut_is_measured() -> None:
    listed, shown = burst.run(None, burst.Shape(gateways=2, rooms=2, tablets=3, turns=1))
    assert 0 < listed.measured <= shown.measured
    assert listed.floor > burst.SECOND_S * 0.9


def test_fan_out_is_measured() -> None:
    (found,) = fanout.run((9,), 1)
    assert found.measured > 0


@pytest.mark.acceptance
def test_durable_mqtt_is_measured() -> None:
    (found,) = mqtt.run(100, 1)
    assert found.measured > 0
