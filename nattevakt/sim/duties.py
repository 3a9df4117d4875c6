"""What staff do beside alarms: rounds, pauses, plans and legal bases. Serves scenario files.

Owns these deeds: who does what, in Norwegian. How each is written down is in changes.py, by the product's own code.
Must not know what is expected of the night.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nattevakt.central.places.plan_lines import Line
from nattevakt.sim import changes
from nattevakt.sim.people import MINUTE_MS
from nattevakt.sim.script import of_worker
from nattevakt.sim.stage import Change, Deed, Scene, Stage
from nattevakt.sim.ward import Resident, Ward

EVERY_MIN = 20


def walks(worker: str, every_min: float = EVERY_MIN) -> Deed:
    """From now on a member of staff looks into every room that has a turn due, at once and then every so often."""

    def play(stage: Stage, _: Scene) -> None:
        def once() -> None:
            stage.change(f"{worker} går runden", partial(changes.rounds, worker))
            stage.later(round(every_min * MINUTE_MS), once)

        once()

    return Deed(f"{worker} ser inn til dem som skal sees til, hvert {every_min:g}. minutt", play, _staff(worker))


def walks_once(worker: str) -> Deed:
    """A member of staff looks into every room that has a turn due now, and into none later."""
    says = f"{worker} ser inn til dem som skal sees til"
    return Deed(says, lambda stage, _: stage.change(says, partial(changes.rounds, worker)), _staff(worker))


def pauses(worker: str, name: str, rule: str | None = None, *, until: str, why: str) -> Deed:
    """Holds a resident's plan back, or one rule of it, until then."""

    def written(scene: Scene, resident: Resident) -> Change:
        return partial(changes.pause, worker, resident.key, rule, scene.when(until), why)

    return _of(worker, name, f"{worker} setter {rule or 'planen'} for {name} på pause til {until}: {why}", written)


def resumes(worker: str, name: str) -> Deed:
    """Ends whatever pause there is for a resident."""

    def written(_: Scene, resident: Resident) -> Change:
        return partial(changes.resume, worker, resident.key)

    return _of(worker, name, f"{worker} slår på igjen for {name}", written)


def decides(worker: str, name: str, *, until: str) -> Deed:
    """Writes down a basis that runs out then, in the place of the one that there is."""

    def written(scene: Scene, resident: Resident) -> Change:
        return partial(changes.basis, worker, resident.key, scene.when(until))

    return _of(worker, name, f"{worker} skriver inn et grunnlag for {name} som gjelder til {until}", written)


def plans_for(worker: str, name: str, *lines: Line) -> Deed:
    """Adds lines to a resident's plan."""

    def written(_: Scene, resident: Resident) -> Change:
        return partial(changes.plan, worker, resident.key, lines)

    rules = ", ".join(line.rule for line in lines)
    return _of(worker, name, f"{worker} legger {rules} til planen for {name}", written)


def _staff(worker: str) -> Callable[[Ward], str | None]:
    return lambda ward: of_worker(ward, worker)


def _of(worker: str, name: str, says: str, written: Callable[[Scene, Resident], Change]) -> Deed:
    """A deed of a member of staff that is about one resident."""

    def check(ward: Ward) -> str | None:
        known = ward.resident(name) is not None
        return of_worker(ward, worker) or (None if known else f"ukjent beboer «{name}»")

    def play(stage: Stage, scene: Scene) -> None:
        resident = stage.ward.resident(name)
        if resident is not None:
            stage.change(says, written(scene, resident))

    return Deed(says, play, check)
