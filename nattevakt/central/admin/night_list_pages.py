"""The night list as one sheet of HTML that needs nothing else, for a printer, a browser or a file. Serves arrow 9.

Owns its style, what stands in the margins of each sheet, and the policy that lets a browser have just that. Must not
know the database, or who may read it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment
from markupsafe import Markup

from nattevakt.central.admin import night_list_words
from nattevakt.central.admin.night_list import NightList
from nattevakt.central.admin.pages import TEMPLATES
from nattevakt.central.tablet import pages as tablet_pages
from nattevakt.central.tablet.i18n import Words

POLICY = (
    "default-src 'none'; style-src 'sha256-{style}'; script-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The page. policy: its Content-Security-Policy."""

    html: str
    policy: str


@cache
def _translated(words: Words) -> Environment:
    return tablet_pages.environment(words, TEMPLATES)


def sheet(words: Words, made: NightList, *, here: str = "", wards: tuple[tuple[str, str], ...] = ()) -> Sheet:
    """A list as a page. here: its address, for the buttons over it; "" for a file, which has none. wards: address and
    name of the others."""
    environment = _translated(words)
    title = words(night_list_words.TITLE, {"ward": made.ward, "municipality": made.municipality})
    margins = {
        "title": quoted(title),
        "night": quoted(made.night_short),
        "printed": quoted(made.printed),
        "secret": quoted(words(night_list_words.SECRET)),
        "page": quoted(f"{words(night_list_words.PAGE)} "),
        "of": quoted(f" {words(night_list_words.OF)} "),
    }
    style = environment.get_template("night_list.css").render(**margins)
    html = environment.get_template("night_list.html").render(
        made=made,
        title=title,
        secret=words(night_list_words.SECRET),
        style=Markup(style),  # noqa: S704 - our own file, and what is put into it is quoted
        here=here,
        wards=wards,
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return Sheet(html, POLICY.format(style=digest))


def quoted(text: str) -> Markup:
    """Text as a string of CSS, whatever it holds."""
    safe = re.sub(r"[^0-9A-Za-zÆØÅæøå .,:]", lambda sign: f"\\{ord(sign[0]):x} ", text)
    return Markup(f'"{safe}"')  # noqa: S704 - nothing is left of it that could end the string
