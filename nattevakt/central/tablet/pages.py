"""HTML of the tablet: full pages and the partials that a snapshot carries. Serves arrow 9.

Owns the templates' surroundings: language, asset addresses, escaping. Must not know HTTP or the database. A card is
drawn by one partial only, on the first paint and in every snapshot, so that the two can never differ.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nattevakt.central.people.staff import Colleague
from nattevakt.central.tablet import assets, held, sentences
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.central.tablet.rooms import RoomView
from nattevakt.central.tablet.rounds_view import RoundsView
from nattevakt.central.tablet.tests_view import TestsView
from nattevakt.central.tablet.views import BoardView, CardView
from nattevakt.central.tablet.when import clock, clock_seconds

TEMPLATES = Path(__file__).resolve().parent / "templates"
SCHEMES = ("dark", "light")
LEVELS: Mapping[str, str] = {
    "high": N_("Høy prioritet"),
    "medium": N_("Middels prioritet"),
    "low": N_("Lav prioritet"),
}
SCHEME_LABELS = (("dark", "moon", N_("Mørk")), ("light", "sun", N_("Lys")))
LANGUAGE_LABELS = (("nb", "Bokmål"), ("nn", "Nynorsk"), ("en", "English"))
DRAWN_MAX = 1024

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)

_OFFLINE_STYLE = """
body{margin:0;min-height:100vh;display:grid;place-items:center;background:#0b0e12;color:#0b0e12;
font:20px/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:16px;padding:28px 32px;border-radius:14px;background:#fff}
h1{margin:0 0 12px;font-size:1.6em;line-height:1.2}p{margin:0 0 12px}
a{display:inline-block;padding:14px 20px;border:2px solid;border-radius:12px;color:inherit;font-weight:700}
"""
_OFFLINE_SCRIPT = """
let tries = 0;
async function look() {
  tries += 1;
  document.getElementById("tries").textContent = "(" + tries + ")";
  try {
    const answer = await fetch("/tablet/offline", { cache: "no-store", signal: AbortSignal.timeout(4000) });
    if (answer.ok) return location.replace("/");
  } catch {}
  setTimeout(look, 2000 + 1000 * Math.random());
}
setTimeout(look, 2000);
"""


@cache
def _translated(words: Words) -> Environment:
    return environment(words)


def environment(words: Words, *folders: Path) -> Environment:
    """What templates are filled in by: those of the tablet, and of more folders, which come first."""
    made = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.globals["asset"] = assets.load().url
    made.globals["lang"] = words.lang
    made.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    made.globals["levels"] = {key: words(label) for key, label in LEVELS.items()}
    made.globals["age"] = partial(sentences.age, words)
    return made


def alarm_html(words: Words, card: CardView) -> str:
    """One alarm card as a snapshot carries it: without its age and what is left, which the page counts itself.

    So the text of a card is the same for as long as nothing about its alarm has changed, and on every tablet: which
    notice it is there is beside it in the snapshot, not in it.
    """
    return _card_html(words, replace(card, age="", left="", notice_id=None, notice_sent=False))


# Of all that a snapshot carries one card has changed; the others are not drawn again for every tablet that asks.
@lru_cache(maxsize=DRAWN_MAX)
def _card_html(words: Words, card: CardView) -> str:
    return _translated(words).get_template("alarm.html").render(card=card).strip()


def rooms_html(words: Words, board: BoardView) -> str:
    """The tiles of all rooms as a snapshot carries them: without ages, as with cards."""
    return _rooms_html(words, board.rooms)


@lru_cache(maxsize=DRAWN_MAX)
def _rooms_html(words: Words, rooms: tuple[RoomView, ...]) -> str:
    return _translated(words).get_template("rooms.html").render(rooms=rooms, now_ms=None).strip()


def tests_html(words: Words, tests: TestsView) -> str:
    """The cards of open tests as a snapshot carries them."""
    return _translated(words).get_template("tests.html").render(tests=tests).strip() if tests.cards else ""


def handover_html(words: Words, told: Mapping[str, object], colleagues: Sequence[Colleague]) -> str:
    """What whoever takes over a shift must know."""
    return _translated(words).get_template("handover.html").render(told=told, colleagues=colleagues).strip()


def rounds_html(words: Words, rounds: RoundsView) -> str:
    """The list of rounds as the page fetches it: without ages, as with cards."""
    return _translated(words).get_template("rounds.html").render(rounds=rounds, now_ms=None).strip()


def board_page(
    words: Words,
    board: BoardView,
    zone: ZoneInfo,
    scheme: str,
    hb_s: float,
    sweep_late_s: float = 30.0,
    speed: float | None = None,
    rounds: RoundsView | None = None,
) -> str:
    """The whole board, complete without JavaScript. speed: of service time in a demo, None where it is none.

    rounds: where they stand in place of the rooms.
    """
    n = len(board.cards)
    page = sentences.page(words)
    counted = {0: page["alarms_none"], 1: page["alarms_one"]}.get(n, page["alarms_many"].replace("{n}", str(n)))
    return (
        _translated(words)
        .get_template("board.html")
        .render(
            board=board,
            now_ms=board.now_ms,
            rounds=rounds,
            page=page,
            count=counted,
            clock=clock(board.now_ms, zone),
            clock_seconds=clock_seconds(board.now_ms, zone),
            scheme=scheme,
            schemes=[(key, icon, words(label)) for key, icon, label in SCHEME_LABELS],
            languages=LANGUAGE_LABELS,
            sweep_ok=board.sweep_age_s is not None and board.sweep_age_s <= sweep_late_s,
            demo=_demo(words, board.now_ms, zone, speed),
            promises_min=held.PROMISES_MIN,
            declines=[(key, words(label)) for key, label in held.DECLINES.items()],
            causes=[(key, words(label)) for key, label in sentences.CAUSES.items()],
            actions=[(key, words(label)) for key, label in sentences.ACTIONS.items()],
            settings=_settings(words, hb_s, board.now_ms, board.seq, zone.key, speed),
        )
    )


def enrol_page(words: Words, scheme: str, hb_s: float, now_ms: int, speed: float | None = None) -> str:
    """The page where a tablet is enrolled."""
    zone = ZoneInfo("Europe/Oslo")
    settings = _settings(words, hb_s, now_ms, 0, zone.key, speed)
    return (
        _translated(words)
        .get_template("enrol.html")
        .render(scheme=scheme, settings=settings, page=sentences.page(words), demo=_demo(words, now_ms, zone, speed))
    )


def offline_page(words: Words) -> tuple[str, str]:
    """The page for when the centre does not answer, all in one, and its own Content-Security-Policy."""
    style, script = Markup(_OFFLINE_STYLE), Markup(_OFFLINE_SCRIPT)  # noqa: S704 - our own constants
    html = _translated(words).get_template("offline.html").render(style=style, script=script)
    policy = (
        f"default-src 'none'; style-src '{_hash(_OFFLINE_STYLE)}'; script-src '{_hash(_OFFLINE_SCRIPT)}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html, policy


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _demo(words: Words, now_ms: int, zone: ZoneInfo, speed: float | None) -> str:
    """What the strip says that no page of a demo is without; "" where this is none."""
    return "" if speed is None else words(sentences.PAGE["demo"], {"speed": f"{speed:g}", "at": clock(now_ms, zone)})


def _settings(
    words: Words, hb_s: float, now_ms: int, seq: int, time_zone: str, speed: float | None
) -> dict[str, object]:
    return {
        "hb_s": hb_s,
        "now_ms": now_ms,
        "speed": speed or 1,
        "seq": seq,
        "build": assets.load().build,
        "lang": words.lang,
        "time_zone": time_zone,
    }
