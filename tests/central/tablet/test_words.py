"""Every code has words, every sentence every language, every moment its right form; vendored files are as packaged."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_dir

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.lifecycle import ACTIONS, CAUSES, ENDED, HELD, UNTAKEN, State
from nattevakt.central.places.sensors import Sensor
from nattevakt.central.tablet import assets, sentences, when
from nattevakt.central.tablet.i18n import LANGUAGES, choose, words
from nattevakt.central.tablet.rooms import view
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.rule import Occurred, Rule
from tests.central.tablet.conftest import ROOT

CENTRAL = ROOT / "nattevakt/central"
OSLO = ZoneInfo("Europe/Oslo")
NB = words("nb")
MINUTE = 60_000
PLACES = re.compile(r"\{\w+\}|%\(\w+\)s")
AUTUMN_0230_FIRST = 1_792_888_200_000
"""25 October 2026, 02:30 summer time: one hour before the second 02:30 of that night."""


def extracted() -> set[object]:
    """Every sentence marked in code and templates."""
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    found = extract_from_dir(str(CENTRAL), methods, keywords={"N_": None, "_": None})
    return {message for _file, _line, message, _comments, _context in found}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_is_in_every_language(lang: str) -> None:
    known = {key[0] if isinstance(key, tuple) else key for key in words(lang).translations._catalog}
    plural = {"{n} sensorer kan ikke overvåkes"}
    assert extracted() - known - plural == set()
    assert known - extracted() - {""} == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_translations_keep_their_places(lang: str) -> None:
    for message in extracted():
        translated = words(lang).translations.gettext(str(message))
        assert sorted(PLACES.findall(str(message))) == sorted(PLACES.findall(translated))
        assert translated.strip()


def test_english_and_nynorsk_are_translated() -> None:
    for lang, sentence in (("en", "Take alarm"), ("nn", "På veg")):
        assert sentence in {words(lang).translations.gettext(label) for _, label in sentences.ACTS.values()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_reason_of_every_rule_has_a_sentence(rule: Rule) -> None:
    assert set(rule.reasons) <= set(sentences.REASONS)
    assert {rule.kind, *rule.kinds} <= set(sentences.KINDS)


def test_every_kind_state_cause_and_action_has_words() -> None:
    assert set(sentences.KINDS) == set(KINDS)
    assert {key for key, kind in KINDS.items() if kind.technical} <= set(sentences.REASONS)
    assert set(sentences.STATES) == set(State)
    assert set(sentences.ACTS) == HELD | UNTAKEN == set(State) - ENDED
    assert tuple(sentences.CAUSES) == CAUSES
    assert tuple(sentences.ACTIONS) == ACTIONS


def test_every_icon_is_in_the_sprite() -> None:
    sprite = assets.load().files["vendor/lucide.svg"].body.decode()
    source = (CENTRAL / "tablet/rooms.py").read_text() + (CENTRAL / "tablet/pages.py").read_text()
    templates = "".join(path.read_text() for path in (CENTRAL / "tablet/templates").iterdir())
    used = {*sentences.ICONS.values(), sentences.ICON_OTHER, *re.findall(r'icon\("([\w-]+)"\)', templates)}
    used |= {name for name in re.findall(r'"([a-z-]+)"', source) if "-" in name and f'id="{name}"' in sprite}
    assert {name for name in used if f'id="{name}"' not in sprite} == set()


def test_every_key_that_scripts_say_has_a_sentence() -> None:
    scripts = "".join(path.read_text() for path in (CENTRAL / "tablet/static/js").iterdir())
    said = set(re.findall(r'say\("(\w+)"', scripts))
    assert said == set(sentences.PAGE)


def test_unknown_codes_are_shown_as_themselves() -> None:
    assert sentences.kind(NB, "brand_new") == "brand_new"
    assert "brand.new" in sentences.reason(NB, "brand.new", {})
    assert sentences.reason(NB, "rows_missing", {}) == "Meldinger fra  mangler. Rom kan være ukjente."
    assert sentences.unknown(NB, "brand_new") == "ingen kontakt med sensoren"


@pytest.mark.parametrize(
    ("cookie", "asked", "expected"),
    [
        (None, "", "nb"),
        (None, "nb-NO,nb;q=0.9,no;q=0.8,nn;q=0.7,en;q=0.5", "nb"),
        (None, "no", "nb"),
        (None, "nn-NO, nb;q=0.5", "nn"),
        (None, "de, en;q=0.3, nb;q=0.8", "nb"),
        (None, "en-US,en;q=0.9", "en"),
        (None, "de-DE", "nb"),
        (None, "*;q=x, ,;;", "nb"),
        ("nn", "en", "nn"),
        ("rubbish", "en", "en"),
    ],
)
def test_language_is_cookie_then_browser_then_bokmal(cookie: str | None, asked: str, expected: str) -> None:
    assert choose(cookie, asked) == expected


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [(0, "0 s"), (45_999, "45 s"), (95_000, "1 min 35 s"), (16 * MINUTE, "16 min"), (125 * MINUTE, "2 t 5 min")],
)
def test_ages(age_ms: int, expected: str) -> None:
    assert sentences.age(NB, age_ms) == expected


def test_lateness_doubt_and_older_days() -> None:
    at = 1_795_000_200_000
    said = [
        when.occurred(NB, Occurred(at, at), at + 1_000, at, OSLO),
        when.occurred(NB, Occurred(at, at), at + 41 * MINUTE, at + 41 * MINUTE, OSLO),
        when.occurred(NB, Occurred(at - 20 * MINUTE, at), at, at, OSLO),
        when.occurred(NB, Occurred(at - 2_000, at), at, at, OSLO),
        when.occurred(NB, Occurred(at, at), at + 90 * MINUTE, at + 30 * 60 * MINUTE, OSLO),
    ]
    clock = when.clock(at, OSLO)
    assert said[0] == (f"Kl. {clock}", False)
    assert said[1] == (f"Kl. {clock}, meldt 41 min forsinket", True)
    assert said[2] == (f"Mellom kl. {when.clock(at - 20 * MINUTE, OSLO)} og {clock}, tid usikker", True)
    assert said[3][1] is True
    assert said[4][0].endswith(f"kl. {clock}, meldt 1 t 30 min forsinket")
    assert ".11. kl." in said[4][0]


def test_the_night_with_two_hours_from_two_to_three() -> None:
    """Both 02:30 read the same on the clock; the difference shows in how late or how long ago."""
    first, second = AUTUMN_0230_FIRST, AUTUMN_0230_FIRST + 60 * MINUTE
    assert when.clock(first, OSLO) == when.clock(second, OSLO) == "02:30"
    assert when.clock_seconds(first + 5_000, OSLO) == "02:30:05"
    said, unusual = when.occurred(NB, Occurred(first, first), second, second, OSLO)
    assert unusual
    assert said == "Kl. 02:30, meldt 1 t 0 min forsinket"


def test_a_room_is_only_as_known_as_its_least_known_sensor() -> None:
    bed = Sensor(mute=False, last_heard_ms=9, readings={"bed": "occupied"})
    lost = Sensor(mute=False, last_heard_ms=5, readings={"contact": "open"}, unknown_since_ms=5, unknown_reason="gap")
    never = Sensor(mute=False)
    mute = Sensor(mute=True, last_heard_ms=9, readings={"bed": "occupied"})
    seen = {
        "known": view("1", "", [bed], NB, OSLO, 0),
        "unknown": view("1", "", [bed, lost], NB, OSLO, 0),
        "mute": view("1", "", [mute], NB, OSLO, 0),
    }
    assert {name: room.seen for name, room in seen.items()} == {name: name for name in seen}
    assert view("1", "", [bed, never], NB, OSLO, 0).detail == "aldri hørt fra sensoren"
    assert view("1", "", [bed, mute], NB, OSLO, 0).note == "1 sensor kan ikke overvåkes"
    assert view("1", "", [bed, mute, mute], NB, OSLO, 0).note == "2 sensorer kan ikke overvåkes"
    door = Sensor(mute=False, last_heard_ms=3, readings={"contact": "open"})
    up = Sensor(mute=False, spot="bad", last_heard_ms=4, readings={"presence": "present"})
    assert view("1", "", [door, up], NB, OSLO, 0).words == "Oppe, bad"
    assert view("1", "", [door], NB, OSLO, 0).words == "Dør åpen"
    assert view("1", "", [Sensor(mute=False, last_heard_ms=3)], NB, OSLO, 0).words == "I kontakt"


def test_vendored_files_have_the_hashes_of_their_manifest() -> None:
    vendor = CENTRAL / "tablet/static/vendor"
    listed = json.loads((vendor / "manifest.json").read_text())
    here = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in vendor.iterdir()}
    del here["manifest.json"]
    assert here == {name: row["sha256"] for name, row in listed.items()}
    assert {row["from"].rpartition("@")[0] for row in listed.values()} >= {
        "lucide-static",
        "@digdir/designsystemet-css",
    }


def test_vendored_files_are_as_packaged() -> None:
    done = subprocess.run(
        [sys.executable, "tools/vendor_assets.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_javascript_is_type_checked() -> None:
    done = subprocess.run(["npm", "run", "--silent", "check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads(Path(ROOT / "package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert all(package.get("integrity") for name, package in lock["packages"].items() if name)
