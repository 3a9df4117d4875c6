"""HTML of the pages for who leads a ward. Serves arrow 9.

Owns these templates' surroundings. Must not know HTTP or the database. Every page is whole without JavaScript.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment

from nattevakt.central.admin import moments, rule_words
from nattevakt.central.admin.who import Lead
from nattevakt.central.tablet import pages as tablet_pages
from nattevakt.central.tablet.i18n import Words

TEMPLATES = Path(__file__).resolve().parent / "templates"


@cache
def _translated(words: Words) -> Environment:
    environment = tablet_pages.environment(words, TEMPLATES)
    environment.globals["weekdays"] = [(day, words(name)) for day, name in enumerate(rule_words.WEEKDAYS)]
    return environment


def page(name: str, lead: Lead, scheme: str, /, **values: object) -> str:
    """One page: a template of this folder with who sees it."""
    clock = moments.clock(lead.now_ms, lead.zone)
    surroundings = {"scheme": scheme, "person": lead.person, "clock": clock, "here": name}
    return _translated(lead.words).get_template(f"{name}.html").render(**surroundings, **values)


def refusal(words: Words, scheme: str, status: int, message: str, zone: ZoneInfo, now_ms: int) -> str:
    """The page of what is not to be seen or done."""
    values = {"scheme": scheme, "person": None, "clock": moments.clock(now_ms, zone), "here": "refusal"}
    return _translated(words).get_template("refusal.html").render(status=status, message=message, **values)
