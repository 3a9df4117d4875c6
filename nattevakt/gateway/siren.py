"""Sirens and lamps behind Zigbee2MQTT: when each is told to sound, and whether it says that it does. Serves arrow 9
at the house itself.

Owns who asks and until when, what each siren was told and what it has reported, and when it is told again. Must not
know why somebody asks, the broker's connection or HTTP. Decisions are pure: a standing, what is wanted and a moment
give the next standing and what is published. All times are service time in milliseconds since boot.

A siren sounds only under a lease: whoever asks says until when, and asks again. It is told again until its own report
confirms it. One that takes a duration gets one, so that it falls silent even when this machine is gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import load_json
from nattevakt.edge.wire import HeartbeatReply
from nattevakt.edge.wire_heartbeat import SIREN_LEASE_S, SirenSaid
from nattevakt.gateway import inputs as io

PREFIX = "z2m:"
CENTRE, LOCAL, TEST = "centre", "local", "test"
"""Who may ask. CENTRE: by the answers to heartbeats. LOCAL: this gateway itself, while the centre is away."""
LEASE_MAX_MS = 300_000
DURATION_MAX_S = 60
"""What a siren is told at most at a time, of those that take a duration."""
LEAST_MS = 1_000
"""A lease with less left is over: a duration is in whole seconds."""
START_MS = 10_000
"""So long after the start nobody is told off while the centre has not said whether they should sound."""
AGAIN_MS = 10_000
"""Told again after so long without the siren's own word."""
CONTRARY_MS = 3_000
"""And after so long when it says the contrary of what it was told."""
RENEW_MS = 25_000
"""One that sounds is told again, well before its duration is over."""
INSIST_MS = 120_000
"""So long one that does not say that it is silent is told so at that pace."""
SLOW_MS = 60_000
"""And then at this one, if it was we who had it sound."""
REST_TRIES, REST_MS = 3, 600_000
"""One that we have not had sound is told to be silent so often, and then at this pace until it says anything: many
report only a change. If it says that it sounds, somebody else wants it to."""
SILENT_MS = 30_000
AWAY_MS = 30_000
RAW_MAX = 64_000
MUTE = "kan ikke selv si om den uler, og blir derfor aldri bekreftet"
LOW_BATTERY = "sirenen har lavt batteri"

COMMANDS: Mapping[str, str] = {
    "warning": "alarm",
    "alarm": "alarm",
    "alarm_on_off": "alarm",
    "state": "state",
}
"""The ways to tell a siren, each with the property that such sirens report by."""
UNREPORTED = "none"
_BOUNDED = frozenset(("warning",))
"""Commands with a duration: the siren ends by itself."""
_PARTS = frozenset(("", "availability", "set", "get"))
_TRUE, _FALSE = frozenset(("on", "true", "1")), frozenset(("off", "false", "0"))


@dataclass(frozen=True, slots=True)
class Siren:
    """[[siren]]: a siren or lamp that Zigbee2MQTT commands.

    address: "z2m:" and the name under which Zigbee2MQTT publishes it. command: how it is told: "warning" for the
    sirens that take a warning with a duration, "alarm" for those with alarm true or false, "alarm_on_off" for those
    with alarm ON or OFF, "state" for plugs and lamps. report: the property of its messages that says whether it
    sounds; unset for "state" with that command, else "alarm"; "none" for one that never says, which is never
    confirmed.
    """

    address: str
    command: str = "warning"
    report: str = ""

    @property
    def name(self) -> str:
        """As Zigbee2MQTT publishes it."""
        return self.address.removeprefix(PREFIX)

    @property
    def property(self) -> str:
        """What says whether it sounds; "" where nothing does."""
        return "" if self.report == UNREPORTED else self.report or COMMANDS[self.command]

    def payload(self, *, on: bool, left_ms: int) -> bytes:
        """What is published to have it sound or be silent. left_ms: what is left of the lease."""
        said: dict[str, object]
        if self.command == "warning":
            duration = max(1, min(DURATION_MAX_S, left_ms // 1000))
            wanted = {"mode": "emergency", "level": "very_high", "strobe": True, "duration": duration}
            said = {"warning": wanted if on else {"mode": "stop", "level": "low", "strobe": False, "duration": 0}}
        elif self.command == "alarm":
            said = {"alarm": on}
        else:
            said = {"state" if self.command == "state" else "alarm": "ON" if on else "OFF"}
        return json.dumps(said).encode()


@dataclass(frozen=True, slots=True)
class Standing:
    """One siren as it stands. told: what it was told last, None: nothing yet. sent_ms: when, last; None: at once again.
    tries: how often since that changed. report: its own word since then. odd_ms: since when that is not what it was
    told. sounded: it was told to sound before. away_ms: since when it cannot be reached."""

    told: bool | None = None
    told_ms: int = 0
    sent_ms: int | None = None
    tries: int = 0
    report: bool | None = None
    report_ms: int | None = None
    odd_ms: int | None = None
    sounded: bool = False
    linked: bool = False
    available: bool = True
    away_ms: int | None = None
    battery_low: bool = False

    @property
    def reachable(self) -> bool:
        """As far as the broker, the bridge and its word on the device go."""
        return self.linked and self.available


def told_anew(was: Standing, *, on: bool, now_ms: int) -> Standing:
    """What is wanted has changed: what it reported before says nothing of that."""
    anew = replace(was, told=on, told_ms=now_ms, sent_ms=None, tries=0, report=None, odd_ms=now_ms)
    return replace(anew, sounded=was.told is True)


def reported(was: Standing, *, on: bool, now_ms: int) -> Standing:
    """The siren says whether it sounds."""
    as_told = on is (was.told is True)
    odd_ms = None if as_told else was.odd_ms if was.odd_ms is not None else now_ms
    return replace(was, report=on, report_ms=now_ms, odd_ms=odd_ms)


def reached(was: Standing, *, linked: bool, available: bool, now_ms: int) -> Standing:
    """The way to it has changed. Whoever has been away may have missed what it was told: it is told again."""
    now = replace(was, linked=linked, available=available)
    if now.reachable and not was.reachable:
        return replace(now, away_ms=None, sent_ms=None, tries=0, odd_ms=now_ms if was.odd_ms is not None else None)
    if was.reachable and not now.reachable:
        return replace(now, away_ms=now_ms)
    return now


def due_ms(siren: Siren, standing: Standing) -> int | None:
    """When it is to be told again what it was told; None: not again."""
    if standing.sent_ms is None:
        return 0
    sent_ms = standing.sent_ms
    if standing.told:
        after_ms = {True: RENEW_MS, False: CONTRARY_MS, None: AGAIN_MS}[standing.report]
        return sent_ms + after_ms
    if standing.report is False:
        return None
    insists = sent_ms - standing.told_ms < INSIST_MS
    if insists and (standing.sounded or standing.report or standing.tries < REST_TRIES):
        return sent_ms + AGAIN_MS
    if not siren.property or (standing.report and not standing.sounded):
        return None
    return sent_ms + (SLOW_MS if standing.sounded else REST_MS)


def step(siren: Siren, was: Standing, until_ms: int, now_ms: int, *, hold: bool) -> tuple[Standing, bytes | None]:
    """One siren's next standing and what is published now, if anything.

    until_ms: the end of the longest lease. hold: nobody knows yet whether it should sound.
    """
    on = until_ms - now_ms >= LEAST_MS
    if on is not was.told:
        if not on and was.told is None and hold:
            return was, None
        was = told_anew(was, on=on, now_ms=now_ms)
    due = due_ms(siren, was)
    # A device that the bridge takes for gone is told all the same: nobody knows better until it is tried.
    if not was.linked or due is None or due > now_ms:
        return was, None
    return replace(was, sent_ms=now_ms, tries=was.tries + 1), siren.payload(on=on, left_ms=until_ms - now_ms)


def is_silent(siren: Siren, standing: Standing, now_ms: int) -> bool:
    """Whether it was told to sound and has not said for too long that it does."""
    odd_ms = standing.odd_ms
    return bool(standing.told and siren.property and odd_ms is not None and now_ms - odd_ms > SILENT_MS)


def word(siren: Siren, standing: Standing, now_ms: int) -> str:
    """How it stands, in the wire's words."""
    if not standing.reachable:
        return "unreachable"
    if is_silent(siren, standing, now_ms):
        return "silent"
    return {True: "on", False: "off", None: "unknown"}[standing.report]


def truth(value: object) -> bool | None:
    """Whether a property says that it sounds; None where it says neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    said = value.strip().lower() if isinstance(value, str) else ""
    return True if said in _TRUE else False if said in _FALSE else None


class Sirens:
    """All sirens of one gateway. others: addresses that are set up as sensors too, and speak to their driver as well.

    Call `took` for every input, `answered` for every answer to a heartbeat, then `step`.
    """

    def __init__(
        self, sirens: tuple[Siren, ...] = (), base_topic: str = "zigbee2mqtt", others: frozenset[str] = frozenset()
    ) -> None:
        self._base = base_topic.rstrip("/") + "/"
        self._sirens = {siren.name: siren for siren in sirens}
        self._others = others
        self._standing = dict.fromkeys(self._sirens, Standing())
        self._until_ms: dict[str, int] = {}
        self._broker = False
        self._bridge = True
        self._start_ms: int | None = None
        self._heard_centre = False
        self._reply: HeartbeatReply | None = None

    # --- who asks --------------------------------------------------------------------------------------------

    def ask(self, who: str, until_ms: int | None, now_ms: int) -> None:
        """Have all sirens sound until then, or until this one asks anew; None: not for this one any more. No lease
        is longer than LEASE_MAX_MS."""
        if until_ms is None:
            self._until_ms.pop(who, None)
        else:
            self._until_ms[who] = min(until_ms, now_ms + LEASE_MAX_MS)

    def answered(self, reply: HeartbeatReply) -> None:
        """What the centre says, for the next step. A centre that does not say anything of sirens asks nothing anew and
        takes nothing back."""
        self._reply = reply

    @property
    def pressing(self) -> bool:
        """Whether any is told to sound: then the centre should hear of it, and be heard, soon."""
        return any(standing.told for standing in self._standing.values())

    # --- what comes in ---------------------------------------------------------------------------------------

    def took(self, given: io.Input, now_ms: int) -> bool:
        """Take note of what concerns the sirens. Gives whether it was for them alone."""
        if not self._sirens:
            return False
        if isinstance(given, io.MqttUp | io.MqttDown):
            self._broker = isinstance(given, io.MqttUp)
            self._links(now_ms)
        elif isinstance(given, io.MqttReceived) and given.topic.startswith(self._base):
            return self._message(given.topic.removeprefix(self._base), given, now_ms)
        return False

    def _message(self, said_on: str, given: io.MqttReceived, now_ms: int) -> bool:
        if said_on == "bridge/state":
            up = {"online": True, "offline": False}.get(_state_word(given.payload))
            if up is not None:
                self._bridge = up
                self._links(now_ms)
            return False
        head, _, tail = said_on.rpartition("/")
        name, part = (said_on, "") if said_on in self._sirens else (head, tail)
        if name not in self._sirens:
            return False
        self._says(self._sirens[name], part, given, now_ms)
        # Of "hall/door" nobody can say whether it is a property of a siren "hall" or another device.
        return part in _PARTS and PREFIX + name not in self._others

    def _says(self, siren: Siren, part: str, given: io.MqttReceived, now_ms: int) -> None:
        was = self._standing[siren.name]
        if part == "availability":
            available = {"online": True, "offline": False}.get(_state_word(given.payload), was.available)
            self._standing[siren.name] = reached(was, linked=was.linked, available=available, now_ms=now_ms)
            return
        values = _values(part, given.payload)
        # What the broker or the bridge has kept is nothing that the siren says now.
        on = truth(values.get(siren.property)) if siren.property and not given.retained else None
        if on is not None:
            was = reported(was, on=on, now_ms=now_ms)
        low = truth(values.get("battery_low"))
        self._standing[siren.name] = was if low is None else replace(was, battery_low=low)

    def _links(self, now_ms: int) -> None:
        linked = self._broker and self._bridge
        for name, was in self._standing.items():
            self._standing[name] = reached(was, linked=linked, available=was.available, now_ms=now_ms)

    # --- what goes out ---------------------------------------------------------------------------------------

    def step(self, now_ms: int) -> list[io.Output]:
        """What the sirens are told now."""
        if not self._sirens:
            return []
        if self._start_ms is None:
            self._start_ms = now_ms
            for name, was in self._standing.items():
                self._standing[name] = replace(was, away_ms=now_ms if not was.reachable else None)
        if self._reply is not None:
            self._heard_centre = True
            asked, self._reply = self._reply.siren, None
            if asked is not None:
                lease_ms = min(asked.lease_s or SIREN_LEASE_S, LEASE_MAX_MS // 1000) * 1000
                self.ask(CENTRE, now_ms + lease_ms if asked.on else None, now_ms)
        hold = not self._heard_centre and now_ms - self._start_ms < START_MS
        until_ms = max(self._until_ms.values(), default=0)
        found: list[io.Output] = []
        for name, siren in self._sirens.items():
            self._standing[name], payload = step(siren, self._standing[name], until_ms, now_ms, hold=hold)
            if payload is not None:
                found.append(io.MqttSend(f"{self._base}{name}/set", payload))
        return found

    def last(self) -> list[io.Output]:
        """What those are told that would go on sounding without us; one that knows its own end may bridge a restart."""
        return [
            io.MqttSend(f"{self._base}{name}/set", siren.payload(on=False, left_ms=0))
            for name, siren in self._sirens.items()
            if self._standing[name].told and siren.command not in _BOUNDED
        ]

    def wake_at_ms(self) -> int | None:
        """The next moment at which `step` may have something to say although nothing came in."""
        found = [max(self._until_ms.values(), default=0) - LEAST_MS + 1] if self.pressing else []
        for name, standing in self._standing.items():
            if standing.told is None and self._start_ms is not None:
                found.append(self._start_ms + START_MS)
            elif standing.linked and (due := due_ms(self._sirens[name], standing)) is not None:
                found.append(due)
        return min(found, default=None)

    # --- telling ---------------------------------------------------------------------------------------------

    def said(self, now_ms: int) -> dict[str, SirenSaid] | None:
        """All sirens as a heartbeat tells of them; None where there are none."""
        found = {}
        for name, siren in self._sirens.items():
            standing = self._standing[name]
            age_ms = None if standing.report_ms is None else max(0, now_ms - standing.report_ms)
            found[siren.address] = SirenSaid(word(siren, standing, now_ms), standing.told is True, age_ms)
        return found or None

    def faults(self, now_ms: int) -> dict[str, str]:
        """What wants a person, by key."""
        found: dict[str, str] = {}
        for name, siren in self._sirens.items():
            standing = self._standing[name]
            key = f"siren {siren.address}"
            odd_ms = now_ms - standing.odd_ms if standing.odd_ms is not None else 0
            if standing.away_ms is not None and now_ms - standing.away_ms > AWAY_MS:
                found[key] = f"siren: {siren.address} cannot be reached"
            elif standing.reachable and is_silent(siren, standing, now_ms):
                found[key] = f"siren: {siren.address} was told to sound and does not say that it does"
            elif standing.reachable and standing.report and not standing.told and odd_ms > SILENT_MS:
                found[key] = f"siren: {siren.address} sounds although nobody asks for it"
            elif (
                standing.reachable and standing.sounded and not standing.told and odd_ms > INSIST_MS and siren.property
            ):
                found[key] = f"siren: {siren.address} was told to be silent and does not say that it is"
        return found

    def findings(self) -> dict[str, str]:
        """By address, what an installer should know."""
        sirens = [(siren, self._standing[name]) for name, siren in self._sirens.items()]
        return {
            **{siren.address: MUTE for siren, _ in sirens if not siren.property},
            **{siren.address: LOW_BATTERY for siren, standing in sirens if standing.battery_low},
        }


def _state_word(payload: bytes) -> str:
    """The state in `{"state":"online"}` or plain `online`."""
    try:
        value = load_json(payload[:RAW_MAX], "state").get("state")
    except RejectError:
        return payload[:40].decode("utf-8", "replace").strip().lower()
    return value.strip().lower() if isinstance(value, str) else ""


def _values(part: str, payload: bytes) -> Mapping[str, object]:
    """What a message says by property: all in one object, or one property a topic."""
    if part:
        return {part: payload[:40].decode("utf-8", "replace").strip().strip('"')}
    try:
        return load_json(payload[:RAW_MAX], "payload")
    except RejectError:
        return {}
