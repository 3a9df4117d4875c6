"""The words for a sensor's spot: bathrooms, ways out, and what is neither."""

from __future__ import annotations

import pytest

from nattevakt.edge.rules.spots import any_says_way_out, is_bathroom, is_way_out, says_way_out


@pytest.mark.parametrize(
    "spot",
    ["bad", "Badet", "Baderom 2", "toalett", "WC", "wc nede", "do", "dusj", "våtrom", "bathroom", "Toilet", "shower"],
)
def test_bathrooms(spot: str) -> None:
    assert is_bathroom(spot)
    assert not is_way_out(spot)


@pytest.mark.parametrize(
    "spot", ["", "seng", "stue", "soverom", "badstue", "dør", "doktor", "inngangsdør", "Bodø", "bod"]
)
def test_what_is_no_bathroom(spot: str) -> None:
    assert not is_bathroom(spot)


@pytest.mark.parametrize(
    "spot",
    [
        *("inngangsdør", "Ytterdør", "verandadør", "terrassedør", "balkong", "hovuddøra", "bakdør", "korridordør"),
        *("front door", "Back Door", "patio", "main door", "dør til fellesskapet", "utgong"),
    ],
)
def test_doors_that_lead_out(spot: str) -> None:
    assert says_way_out(spot)
    assert is_way_out(spot)


@pytest.mark.parametrize(
    "spot",
    [
        *("kjøleskap", "kjøleskåp", "Fryser", "skap", "klesskap", "medisinskap", "vindu", "vindauge", "skuff"),
        *("baderomsdør", "dør til bad", "toalettdør", "soveromsdør", "fridge", "window", "cupboard", "bedroom door"),
    ],
)
def test_contacts_that_are_no_way_out(spot: str) -> None:
    assert not is_way_out(spot)
    assert not says_way_out(spot)


@pytest.mark.parametrize("spot", ["", "dør", "kontakt 3", "gang", "kjøkken", "xyz"])
def test_where_the_words_do_not_say_it_is_an_outer_door(spot: str) -> None:
    assert is_way_out(spot)
    assert not says_way_out(spot)


def test_whether_a_room_names_any_way_out() -> None:
    assert any_says_way_out(["seng", "kjøleskap", "ytterdør"])
    assert not any_says_way_out(["seng", "kjøleskap", ""])
