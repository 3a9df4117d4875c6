"""`nattevakt-sim explore` as somebody at a terminal meets it: what it prints and how it exits."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from nattevakt.sim.__main__ import parser
from nattevakt.sim.explore.command import commit, run
from nattevakt.sim.explore.story import to_json
from tests.sim.explore.replay import crowded


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """A run quiets the process that it has for itself; here it has not."""
    level, config, limits = logging.getLogger("nattevakt").level, structlog.get_config(), gc.get_threshold()
    yield
    logging.getLogger("nattevakt").setLevel(level)
    structlog.configure(**config)
    gc.set_threshold(*limits)
    gc.unfreeze()


def main(words: list[str]) -> int:
    return run(parser().parse_args(words))


def test_lives_through_the_rules_alone_say_how_fast_and_what_bounds_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "--rules-only", "--seeds", "5", "--nights", "2"]) == 0
    said = capsys.readouterr().out
    assert "5 frø × 2 netter gjennom reglene alene" in said
    assert "0 brudd" in said
    assert "gatewaynetter per kjerneminutt, hvorav" in said


def test_a_saved_story_is_played_with_its_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = crowded(5, minutes=6)
    path = tmp_path / "story.json"
    path.write_text(to_json(replace(told, mishaps=())), "utf-8")
    code = main(["explore", "--story", str(path), "--trace"])
    said = capsys.readouterr().out
    assert "ALARM call" in said
    assert "frø 5: " in said
    assert code == (1 if "BRUDD" in said else 0)


def test_a_saved_story_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = replace(crowded(5, minutes=4), mishaps=())
    path, drawing = tmp_path / "story.json", tmp_path / "natt.html"
    path.write_text(to_json(told), "utf-8")
    code = main(["explore", "--story", str(path), "--html", str(drawing)])
    assert code == (1 if "BRUDD" in capsys.readouterr().out else 0)
    html = drawing.read_text("utf-8")
    assert html.endswith("</html>\n")
    assert commit() in html
    assert main(["explore", "--story", str(path), "--html", str(tmp_path / "none" / "natt.html")]) == 2
    assert "kan ikke skrives" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--seeds", "0"], "minst ett frø"),
        (["--nights", "0"], "minst ett frø"),
        (["--hours", "0.5"], "minst ett frø"),
        (["--rules-only", "--html", "natt.html"], "--html tegner"),
        (["--story", "finnes-ikke.json"], "finnes-ikke.json: kan ikke leses"),
    ],
)
def test_what_cannot_be_played_is_said(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", *words]) == 2
    assert says in capsys.readouterr().err


def test_a_story_with_an_unknown_mishap_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = crowded(5)
    path = tmp_path / "story.json"
    path.write_text(to_json(replace(told, mishaps=(replace(told.mishaps[0], what="meteor"),))), "utf-8")
    assert main(["explore", "--story", str(path)]) == 2
    assert "ukjent uhell «meteor»" in capsys.readouterr().err
    path.write_text("{}", "utf-8")
    assert main(["explore", "--story", str(path)]) == 2
    assert "mangler" in capsys.readouterr().err


def test_the_code_has_a_name() -> None:
    assert commit()


def test_a_dense_story_is_played_where_hours_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "--seed", "3", "--hours", "1", "--faults", "none"]) == 0
    said = capsys.readouterr().out
    assert "frø 3: 0 brudd" in said
    assert said.count("trykker på knappen") > 5
