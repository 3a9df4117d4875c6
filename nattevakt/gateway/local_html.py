"""The gateway's own page as HTML. Serves arrow 9 where the centre is away.

Owns what a reader sees of a view, in which order. Must not know connections, or what is done with a tap. What comes
from outside is text in it, never markup. It is dark: it is read at night, beside people who sleep.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import timedelta

from nattevakt.edge.rules.rule import Priority
from nattevakt.edge.rules.windows import EPOCH, local_day, local_ms
from nattevakt.gateway.local_mode import View
from nattevakt.gateway.local_rules import Rung
from nattevakt.gateway.local_words import kind, words

REFRESH_S = 5
HOURS_FROM_MIN = 120
"""From then on an age is said in hours."""
_STYLE = (
    "body{background:#10151c;color:#f2f4f7;font:18px/1.4 system-ui,sans-serif;margin:0 auto;padding:16px;"
    "max-width:640px;overflow-wrap:anywhere}:root{color-scheme:dark}"
    "h1{font-size:18px;font-weight:600;margin:0}h1+p{margin:0 0 12px}.lost{background:#7a1f1f;padding:12px;"
    "border-radius:8px}.there{background:#1d3b2a;padding:12px;border-radius:8px}"
    ".starting{border:2px solid #c9a227;padding:12px;border-radius:8px}ul{list-style:none;padding:0}"
    "li{border:3px solid #d8574f;border-radius:10px;padding:12px;margin:12px 0}li.check{border-color:#c9a227}"
    "li.quiet{border:1px solid #56606d}.room{font-size:56px;font-weight:700;line-height:1.1}"
    ".quiet .room,.nowhere{font-size:32px}.kind{font-size:26px}form{margin:12px 0 0}"
    "button{font:inherit;font-weight:600;padding:14px 20px;min-height:56px;border:0;border-radius:8px;width:100%;"
    "background:#f2f4f7;color:#10151c}button:focus{outline:4px solid #6aa9ff}"
)
Say = Callable[..., str]


def render(view: View, lang: str) -> str:
    """The page. It says itself when it was made, to the second: one that has stopped is not taken for quiet."""

    def say(code: str, **params: object) -> str:
        return html.escape(words(lang, code, **params))

    if not view.now_ms or (view.lost_ms is None and not view.met):
        parts = [f'<p class="starting">{say("starting")}</p>']
    elif view.lost_ms is None:
        parts = [f'<p class="there">{say("there")}</p>']
    else:
        parts = [f'<p class="lost" role="alert">{say("lost", at=_clock(view, view.lost_ms))}</p>']
        parts += [f"<p>{say(view.plan)}</p>"] if view.plan != "ok" else []
        parts += [f"<p>{say('clock')}</p>"] if not view.clock else []
        # The newest and loudest first, what wants nobody last.
        alarms = sorted(view.alarms, key=lambda one: (not one.open, one.priority, -one.at_ms))
        cards = "".join(_card(view, one, lang, say) for one in alarms)
        parts.append(f"<ul>{cards}</ul>" if cards else f"<p>{say('nothing')}</p>")
    shown = f"<p>{say('updated', at=_clock(view, view.now_ms, seconds=True))}</p>" if view.now_ms else ""
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><meta http-equiv="refresh" '
        f'content="{REFRESH_S}"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{say('title')}</title><style>{_STYLE}</style></head><body><h1>{say('title')}</h1>{shown}"
        f"{''.join(parts)}</body></html>"
    )


def _card(view: View, one: Rung, lang: str, say: Say) -> str:
    """One alarm."""
    at, minutes = _clock(view, one.at_ms), max(0, view.now_ms - one.at_ms) // 60_000
    room = f"{say('room')} {html.escape(one.room)}" if one.room else say("nowhere")
    place = f" · {html.escape(one.place)}" if one.place else ""
    age = say("hours", at=at, n=minutes // 60) if minutes >= HOURS_FROM_MIN else say("since", at=at, n=minutes)
    rows = [
        f'<div class="{"room" if one.room else "room nowhere"}">{room}</div>',
        f'<div class="kind">{html.escape(kind(lang, one.kind))}{place}</div>',
        f"<div>{age if minutes else say('now', at=at)}</div>",
    ]
    if one.over_ms is not None:
        rows.append(f"<div>{say('over', at=_clock(view, one.over_ms))}</div>")
    elif one.seen_ms is not None:
        rows.append(f"<div>{say('seen', at=_clock(view, one.seen_ms))}</div>")
    else:
        hidden = f'<input type="hidden" name="alarm" value="{one.name}">'
        rows.append(f'<form method="post" action="/">{hidden}<button>{say("see")}</button></form>')
    look = ("check" if one.priority >= Priority.LOW else "alarm") if one.open else "quiet"
    return f'<li class="{look}">{"".join(rows)}</li>'


def _clock(view: View, at_ms: int, *, seconds: bool = False) -> str:
    """A moment on the wall's clock; with its date where that is not today's."""
    second = local_ms(at_ms, view.time_zone) // 1000
    day = local_day(at_ms, view.time_zone)
    said = f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}" + (f":{second % 60:02d}" if seconds else "")
    if day == local_day(view.now_ms, view.time_zone):
        return said
    return f"{said} ({EPOCH + timedelta(days=day):%d.%m.})"
