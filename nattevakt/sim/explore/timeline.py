"""One page that shows a night: what happened, what broke, what rang, who came, and what should not have been. Serves
whoever looks into what the explorer found.

Pure: the same recording gives the same bytes. Owns the page; everything is in it, nothing is fetched. All that comes
from a story is escaped. Must not know how a night is played.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby

from nattevakt.sim.explore import timeline_words as say
from nattevakt.sim.explore.recording import Night
from nattevakt.sim.explore.timeline_legend import KEY, LEGEND
from nattevakt.sim.explore.timeline_list import Line, lines
from nattevakt.sim.explore.timeline_rows import Course, courses, sections, technical
from nattevakt.sim.explore.timeline_style import SCRIPT, STYLE, ZOOMS
from nattevakt.sim.explore.timeline_svg import LEAST_PX, Row, Scale, drawn, forms, under, x

HOUR_MS = 3_600_000
MANY = 25
"""A longer table is folded."""
AXIS_PX = 46
STEPS_S = (60, 120, 300, 600, 900, 1_800, 3_600)
RULES = {
    1: "Det som skal ringe, ringer i tide og bare én gang",
    2: "Ingenting ringer to ganger, og ingenting ringer uten grunn",
    3: "En åpen alarm står alltid på et nettbrett som kan høres, eller går videre",
    4: "Det som er lovet lagret, er lagret, og det som gikk tapt, er meldt",
    5: "Den som ikke kan gjøre jobben sin, blir savnet i tide",
    6: "Hver alarm går lovlige veier, og noen står for hvert steg",
    7: "Når feilene er over, blir det rolig",
    8: "Ingenting i koden feiler",
}
"""What each invariant demands, in a line."""


def page(night: Night, code: str) -> str:
    """The whole page. code: which code was played."""
    known, scale = courses(night), Scale(night.story.begins_ms, max(night.ends_ms, night.story.begins_ms + 60_000))
    title = f"{say.nights(night)}, frø {night.story.seed}"
    parts = (
        '<!doctype html>\n<html lang="nb"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>",
        *_head(night, code, scale),
        *_timeline(night, scale),
        *_legend(),
        *_alarms(night, known),
        *_list(lines(night, known), night),
        f"</main><script>{SCRIPT}</script></body></html>\n",
    )
    return "".join(parts)


def verdict(night: Night) -> str:
    """What came of it, in a sentence."""
    rang = _many(len(night.alarms), "alarm", "alarmer")
    wrong = _many(len(night.story.mishaps), "uhell", "uhell")
    if not night.violations:
        return f"Alt holdt: {wrong}, {rang}, og ingenting ble brutt av det som alltid skal holde.{left_open(night)}"
    first = night.violations[0]
    broke = "Ett brudd" if len(night.violations) == 1 else f"{len(night.violations)} brudd"
    which = "det første " if len(night.violations) > 1 else ""
    when = f"{which}kl. {say.at(first.at_ms, seconds=False)}"
    return f"{broke} på det som alltid skal holde, {when}.{left_open(night)}"


def left_open(night: Night) -> str:
    """What somebody would still have to come for."""
    left = sum(seen.ended_ms is None for seen in night.alarms)
    if not left:
        return ""
    return f" {_many(left, 'alarm', 'alarmer')} var fortsatt {'åpen' if left == 1 else 'åpne'} da historien tok slutt."


def _many(many: int, one: str, more: str) -> str:
    return f"{many} {one if many == 1 else more}"


def _head(night: Night, code: str, scale: Scale) -> Iterator[str]:
    story = night.story
    yield f"<h1>{escape(night.ward.name)}</h1><p class='quiet'>En simulert natt, {escape(say.nights(night))}. "
    yield "Alle navn er oppdiktet. Alle klokkeslett er de virkelige i simuleringen.</p>"
    if night.violations:
        yield f'<section class="verdict broken" aria-label="Dommen">{escape(verdict(night))}<ol>'
        for number, broken in enumerate(night.violations, 1):
            share = f"{scale.share(broken.at_ms):.3f}"
            rule = escape(RULES.get(broken.invariant, f"Nummer {broken.invariant}"))
            yield f'<li><a href="#b{number}" data-at="{share}">kl. {say.at(broken.at_ms)}</a> '
            says = say.plain(night, broken.says)
            yield f'{escape(says[:1].upper() + says[1:])}<span class="rule">Brutt: {rule}.</span></li>'
        yield "</ol></section>"
    else:
        yield f'<p class="verdict held">✓ {escape(verdict(night))}</p>'
    homes = ", ".join(dict.fromkeys(resident.room for resident in night.ward.residents))
    facts = (
        ("Frø", str(story.seed)),
        ("Nivå", f"{story.level}: {say.LEVELS.get(story.level, '')}"),
        ("Fra og til", f"{say.at(story.begins_ms, seconds=False)}–{say.at(night.ends_ms, seconds=False)}"),
        ("Beboere", f"{len(night.ward.residents)} (rom {homes})"),
        ("Kode", code),
    )
    yield '<dl class="facts">'
    yield "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    yield "</dl>"


def _legend() -> Iterator[str]:
    yield '<h2 id="tegn">Alle tegn</h2><ul class="legend">'
    yield from _explained(LEGEND, 76)
    yield "</ul>"


def _explained(signs: Iterable[tuple[str, str]], wide_px: int) -> Iterator[str]:
    for drawing, words in signs:
        yield f'<li><svg aria-hidden="true" width="{wide_px}" height="24">{drawing}</svg><span>{words}</span></li>'


def _timeline(night: Night, scale: Scale) -> Iterator[str]:
    yield '<h2>Natten fra venstre til høyre</h2><ul class="legend key">'
    yield from _explained(KEY, 30)
    yield '<li><a href="#tegn">Alle tegn</a></li></ul><fieldset class="zoom"><legend>Hvor nær</legend>'
    names = {1: "oversikt", 4: "nærmere", 16: "helt nær"}
    for zoom in ZOOMS:
        checked = " checked" if zoom == 1 else ""
        yield f'<label><input type="radio" name="zoom" id="z{zoom}"{checked}>{names[zoom]}</label>'
    fits = " fits" if scale.width_px == LEAST_PX else ""
    yield '</fieldset><p class="quiet drag">Dra tegningen sidelengs for å se resten av natten.</p>'
    yield f'<div class="scroll{fits}" tabindex="0" role="region" aria-label="Tidslinje, rull sidelengs">'
    yield f'<div class="chart" style="--w:{scale.width_px}"><svg class="grid" aria-hidden="true"><defs>'
    yield '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    yield f'<rect width="2.500" height="6" style="fill:var(--fault)"/></pattern>{forms()}</defs>'
    yield under(scale, _ticks(scale), _shades(night), [one.at_ms for one in night.violations])
    yield f"</svg>{''.join(_axis(night, scale))}"
    for title, rows in sections(night):
        yield f'<h3 class="group"><span>{escape(title)}</span></h3>'
        for row in rows:
            yield from _row(scale, row, [n for n, one in enumerate(night.violations, 1) if row.concerns(one)])
    yield "</div></div>"


def _ticks(scale: Scale) -> list[tuple[int, str]]:
    """The moments that the axis names, and how near one must be to see each."""
    step, found = next(step for step in STEPS_S if _fits(scale, step)), list[tuple[int, str]]()
    finer = [s for s in STEPS_S if s * 4 <= step][-1:] or [step], [s for s in STEPS_S if s * 12 <= step][-1:] or [step]
    for at_ms in range(-(-scale.from_ms // 60_000) * 60_000, scale.to_ms + 1, 60_000):
        for step_s, style in ((step, "near1"), (finer[0][0], "near4"), (finer[1][0], "near16")):
            if at_ms % (step_s * 1000) == 0:
                found.append((at_ms, style))
                break
    return found


def _fits(scale: Scale, step_s: int) -> bool:
    return step_s == HOUR_MS // 1000 or (scale.to_ms - scale.from_ms) / (step_s * 1000) * 48 <= scale.width_px * 0.8


def _shades(night: Night) -> list[tuple[int, int, str]]:
    return [(night.story.faults_end_ms, night.ends_ms, "calm")] if night.story.faults_end_ms < night.ends_ms else []


def _axis(night: Night, scale: Scale) -> Iterator[str]:
    yield f'<div class="axis"><div class="who"></div><svg height="{AXIS_PX}" role="img" aria-label="Klokka">'
    long = scale.to_ms - scale.from_ms > 24 * HOUR_MS
    for at_ms, style in _ticks(scale):
        share = scale.share(at_ms)
        anchor = "start" if share < 1 else "end" if share > 99 else "middle"
        yield f'<text class="hour {style}" x="{x(share)}" y="{AXIS_PX - 6}" text-anchor="{anchor}">'
        yield f"{say.date(at_ms) if long and say.midnight(at_ms) else say.at(at_ms, seconds=False)}</text>"
    last = -100.0
    for number, broken in enumerate(night.violations, 1):
        share = scale.share(broken.at_ms)
        px = scale.px(broken.at_ms)
        named = px - last > 26
        last = px if named else last
        tip = escape(f"{say.at(broken.at_ms)} {say.plain(night, broken.says)}")
        yield f'<g id="b{number}" class="flagged"><title>{tip}</title>'
        yield f'<use class="flag" href="#f-flag" x="{x(share)}" y="14"/>'
        yield (f'<text x="{x(share)}" dx="15" y="13">{number}</text>' if named else "") + "</g>"
    yield "</svg></div>"


def _row(scale: Scale, row: Row, broken: Sequence[int]) -> Iterator[str]:
    drawing, high, captions = drawn(scale, row)
    yield f'<div class="row" id="r-{escape(row.key)}"><div class="who{" caps" if captions else ""}">{escape(row.title)}'
    if broken:
        more = " …" if len(broken) > 1 else ""
        many = _many(len(broken), "brudd", "brudd")
        yield f' <a class="hit" href="#b{broken[0]}" title="{many}">⚑{broken[0]}{more}</a>'
    yield f"<small>{escape(row.under)}</small>" if row.under else ""
    yield "".join(f'<span class="cap" style="top:{top}px">{escape(name)}</span>' for name, top in captions)
    yield f'</div><svg height="{max(high, 44)}">{drawing}</svg></div>'


def _alarms(night: Night, known: Sequence[Course]) -> Iterator[str]:
    for title, wanted in (("Alarmer om beboere", False), ("Alarmer om installasjonen", True)):
        some = [course for course in known if technical(course.seen) is wanted]
        yield f"<h2>{title} ({len(some)})</h2>"
        if not some:
            yield "<p>Ingen.</p>"
        elif len(some) <= MANY:
            yield from _table(night, some, title)
        else:
            yield "<details><summary>Vis alle</summary>"
            yield from _table(night, some, title)
            yield "</details>"


def _table(night: Night, known: Sequence[Course], title: str) -> Iterator[str]:
    heads = ("Ringte", "Hvor", "Hva og hvorfor", "Vist først", "Tatt", "Framme", "Slutt")
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{title}, tabell"><table><thead><tr>'
    yield "".join(f'<th scope="col">{head}</th>' for head in heads) + "</tr></thead><tbody>"
    for course in known:
        cells = "".join(f"<td{style}>{cell}</td>" for style, cell in _cells(night, course))
        yield f'<tr id="{course.link}">{cells}</tr>'
    yield "</tbody></table></div>"


def _cells(night: Night, course: Course) -> Iterable[tuple[str, str]]:
    seen = course.seen
    clock = ' class="t"'
    yield clock, say.at(seen.at_ms)
    yield "", escape(say.where(night, seen))
    again = f" Ringte på nytt {_many(len(seen.soundings), 'gang', 'ganger')}." if seen.soundings else ""
    why = f'<span class="s">{escape(say.why(seen) + again)}</span>'
    yield "", f'<span class="k">{escape(say.kind(seen.kind))}</span>{why}'
    shown, taken, there = course.noted("shown"), *course.steps
    yield clock, _by(night, shown.at_ms, shown.worker) if shown is not None else "aldri"
    yield clock, _by(night, taken.at_ms, taken.worker) if taken is not None else "aldri"
    yield clock, _by(night, there.at_ms, there.worker) if there is not None else "–"
    when = f"{say.at(seen.ended_ms)} " if seen.ended_ms is not None else ""
    after = f'<span class="s">etter {say.lasted(seen.at_ms, seen.ended_ms)}</span>' if seen.ended_ms is not None else ""
    yield clock, f"{when}{escape(say.ended(seen))}{after}"


def _by(night: Night, at_ms: int, worker: str) -> str:
    return f"{say.at(at_ms)} {escape(say.first(night, worker))}"


def _list(told: Sequence[Line], night: Night) -> Iterator[str]:
    yield '<h2>Alt som skjedde, time for time</h2><div class="tell">'
    for hour_ms, some in groupby(told, key=lambda line: line.at_ms // HOUR_MS * HOUR_MS):
        group = list(some)
        alarms, wrong = (sum(line.style == style for line in group) for style in ("al", "mi"))
        broken = sum(line.style == "v" for line in group)
        counted = [_many(len(group), "linje", "linjer")]
        counted += [_many(alarms, "alarm", "alarmer")] if alarms else []
        counted += [_many(wrong, "uhell", "uhell")] if wrong else []
        counted += [f"{broken} brudd"] if broken else []
        when = say.local(hour_ms)
        date = f"{when.day}.{when.month}. " if night.ends_ms - night.story.begins_ms > 24 * HOUR_MS else ""
        again = " igjen" if when.fold else ""
        yield f"<details{' open' if broken else ''}><summary><b>{date}{when:%H}–{(when.hour + 1) % 24:02}{again}</b> · "
        yield f"{', '.join(counted)}</summary><ul>"
        yield "".join(_line(line) for line in group)
        yield "</ul></details>"
    yield "</div>"


def _line(line: Line) -> str:
    key = f' id="{line.key}"' if line.key else ""
    words = escape(line.says)
    if line.link:
        words = f'<a href="#{escape(line.link)}">{words}</a>'
    style = f' class="{line.style}"' if line.style else ""
    sort = f'<span class="w">{escape(line.sort)}</span>'
    return f"<li{style}{key}><time>{say.at(line.at_ms)}</time>{sort}<span>{words}</span></li>"
