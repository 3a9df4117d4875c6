"""A played scenario in words and as JUnit XML. Serves `nattevakt-sim run`.

Pure. Owns the form of both. Must not know how a night is played or judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from nattevakt.sim.play import Played

_CONTROL = {code: None for code in range(32) if chr(code) not in "\t\n"}


def story(played: Played) -> str:
    """What was expected, what came, and how it ended; the same text for the same night on any machine."""
    night = played.night
    lines = [f"{played.title}: {night.says} (frø {played.seed})"]
    lines.append(f"  {night.clock(night.begins_ms)}  natten begynner")
    lines += [
        f"  {night.clock(entry.at_ms)}  {entry.deed.says}"
        for entry in sorted(night.entries, key=lambda entry: entry.at_ms)
    ]
    lines.append(f"  {night.clock(night.ends_ms)}  natten er over")
    lines.append("Ringte:" if played.seen else "Ringte: ingenting")
    for seen in played.seen:
        where = f"på {seen.room}" if seen.room else f"om {seen.about}"
        end = f", slutt {night.clock(seen.ended_ms)} ({seen.ended_as})" if seen.ended_ms is not None else ""
        again = f", ringte igjen {len(seen.soundings)} ganger" if seen.soundings else ""
        lines.append(f"  {night.clock(seen.at_ms)}  {seen.kind} {where}: {seen.reason}{again}{end}")
    lines += [f"  som ventet: {sentence}" for sentence in played.verdict.met]
    lines += [f"  FEIL: {sentence}" for sentence in played.verdict.failures]
    lines.append("BESTÅTT" if played.verdict.passed else "FEILET")
    return "\n".join(lines) + "\n"


def junit(runs: Sequence[tuple[Played, float]]) -> bytes:
    """A report that CI reads: one case a scenario. runs: each with the real seconds it took."""
    failed = sum(not played.verdict.passed for played, _ in runs)
    total_s = sum(seconds for _, seconds in runs)
    counts = {"tests": str(len(runs)), "failures": str(failed), "errors": "0", "skipped": "0"}
    root = ElementTree.Element("testsuites", {**counts, "time": f"{total_s:.3f}"})
    suite = ElementTree.SubElement(root, "testsuite", {"name": "nattevakt-sim", **counts, "time": f"{total_s:.3f}"})
    for played, seconds in runs:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            {"classname": "nattevakt.sim.scenarios", "name": played.title, "time": f"{seconds:.3f}"},
        )
        if not played.verdict.passed:
            failure = ElementTree.SubElement(case, "failure", {"message": _clean(played.verdict.failures[0])})
            failure.text = _clean("\n".join(played.verdict.failures))
        ElementTree.SubElement(case, "system-out").text = _clean(story(played))
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return text.translate(_CONTROL)
