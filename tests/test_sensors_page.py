"""What drivers say of their products can be shown and mounted: words, profiles, drawings."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from nattevakt.edge.drivers.driver import VALUES, Spot
from nattevakt.edge.drivers.registry import RADIOS
from tools.sensors_page import DRAWINGS, WHERE, sensors_page

PAGE = Path(__file__).parents[1] / "docs/reference"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", sorted(RADIOS))
def test_every_product_is_said_in_known_words(name: str) -> None:
    radio = RADIOS[name]
    assert len({(one.maker, one.model, one.profile) for one in radio.PRODUCTS}) == len(radio.PRODUCTS)
    for one in radio.PRODUCTS:
        assert one.maker, one
        assert one.model, one
        assert one.source, one
        assert one.reports, one
        assert set(one.reports) <= set(VALUES), one
        assert (one.profile in radio.PROFILES) if radio.PROFILES else not one.profile, one
        assert one.interval_s is None or 0 < one.interval_s <= 7 * 86_400, one
        assert all(fault.endswith(".") for fault in one.faults), one


def test_every_profile_that_settings_may_hold_is_on_the_page() -> None:
    page = sensors_page("")
    for radio in RADIOS.values():
        assert all(f"| `{profile}` |" in page for profile in radio.PROFILES)


@pytest.mark.parametrize("spot", list(Spot))
def test_every_place_has_a_drawing_that_teaches(spot: Spot) -> None:
    """A title and a description for those who do not see it, a cross where it must not be, light and dark."""
    path = PAGE / DRAWINGS / f"{spot.value}.svg"
    root = ElementTree.fromstring(path.read_text("utf-8"))  # noqa: S314 - our own file
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox")
    assert {child.tag for child in root} >= {f"{SVG}title", f"{SVG}desc", f"{SVG}style"}
    assert "prefers-color-scheme:dark" in str(root.findtext(f"{SVG}style"))
    assert any(path.get("class") == "n" for path in root.iter(f"{SVG}path"))
    assert WHERE[spot]


def test_no_drawing_is_left_over() -> None:
    assert {path.stem for path in (PAGE / DRAWINGS).iterdir()} == {spot.value for spot in Spot}
