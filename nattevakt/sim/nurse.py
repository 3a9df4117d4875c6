"""A simulated nurse: takes, goes, arrives and closes where the viewer has not acted for a while. Serves the demo.

Owns her patience and her tablet, a real one over HTTP with a real PIN. Must not know devices, or write to the
database: what is open she sees in a view of it, what she does goes through the same addresses as any tablet's.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.lifecycle import UNTAKEN, State
from nattevakt.edge.errors import RetryError

PATIENCE_S = 30.0
STEP_S = 4.0
LOOK_S = 0.2
CHECK = "bed_check"
"""A *sjekk* is not hers: in the demo it stands until it becomes an alarm."""
NEXT: Mapping[State, str] = {
    **dict.fromkeys(UNTAKEN, "take"),
    State.TAKEN: "on-way",
    State.ON_THE_WAY: "on-site",
    State.ON_SITE: "close",
}
ENDS: Mapping[str, tuple[str, str]] = {
    "call": ("toalett", "hjelp_gitt"),
    "fall": ("fall", "hjelp_gitt"),
    "door_at_night": ("urolig", "snakket_med"),
    "not_back_in_bed": ("trengte_hjelp", "hjelp_gitt"),
    "leak": ("teknisk", "teknisk_rettet"),
}

_OPEN = (
    "SELECT a.id, a.kind, a.state, COALESCE(r.number, a.place, '') AS room FROM alarms a "
    "LEFT JOIN rooms r ON r.tenant_id = a.tenant_id AND r.id = a.room_id "
    "WHERE a.closed_ms IS NULL ORDER BY a.priority, a.id"
)


@dataclass(frozen=True, slots=True)
class Open:
    """One open alarm. room: its number, or the words for where it is."""

    id: int
    kind: str
    state: State
    room: str

    @property
    def is_technical(self) -> bool:
        """Whether it is about the installation."""
        return self.kind in KINDS and KINDS[self.kind].technical


class Alarms:
    """A view of the open alarms in the demo's database, read only."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def open(self) -> tuple[Open, ...]:
        """What is open now, the most urgent first. Raises RetryError where the file is busy."""
        try:
            with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=2)) as con:
                rows = con.execute(_OPEN).fetchall()
        except sqlite3.OperationalError as error:
            raise RetryError(str(error)) from None
        return tuple(Open(row[0], row[1], State(row[2]), row[3]) for row in rows)

    def tablets(self) -> int:
        """How many tablets are enrolled. Raises RetryError as `open` does."""
        try:
            with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=2)) as con:
                return int(con.execute("SELECT count(*) FROM tablets").fetchone()[0])
        except sqlite3.OperationalError as error:
            raise RetryError(str(error)) from None


class Tablet:
    """A tablet without a screen, as the page would use it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}

    def call(self, path: str, body: object) -> int:
        """POST as the page does; gives the status. Raises RetryError where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        headers = {
            "Content-Type": "application/json",
            "Sec-Fetch-Site": "same-origin",
            "Cookie": "; ".join(f"{key}={value}" for key, value in self._cookies.items()),
            "Idempotency-Key": str(uuid.uuid4()),
        }
        try:
            connection.request("POST", path, json.dumps(body), headers)
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise RetryError(f"{type(error).__name__}: {error}") from None
        finally:
            connection.close()
        for key, value in reply.getheaders():
            if key.lower() == "set-cookie":
                name, _, content = value.partition(";")[0].partition("=")
                self._cookies[name] = content
        return reply.status


class Patience:
    """Decides when she acts: pure, with real seconds as argument.

    An alarm is hers once nobody has acted for `patience_s` since it came; then a move every `step_s`, one alarm after
    the other. Whatever the viewer does gives all alarms that she has not begun with their full time again.
    """

    def __init__(self, patience_s: float = PATIENCE_S, step_s: float = STEP_S) -> None:
        self._patience_s = patience_s
        self._step_s = step_s
        self._first_s: dict[int, float] = {}
        self._states: dict[int, State] = {}
        self._mine: dict[int, State] = {}
        self._viewer_s = float("-inf")
        self._next_s = float("-inf")

    def due(self, alarms: Iterable[Open], now_s: float) -> Open | None:
        """The alarm on which she makes the next move now, None where she waits."""
        wanted = [alarm for alarm in alarms if not alarm.is_technical and alarm.kind != CHECK]
        gone = self._states.keys() - {alarm.id for alarm in wanted}
        if gone:
            self._viewer_s = now_s
        for alarm in wanted:
            before = self._states.get(alarm.id)
            if before is None:
                self._first_s[alarm.id] = now_s
            elif before is not alarm.state and self._mine.get(alarm.id) is not alarm.state:
                self._viewer_s = now_s
                self._mine.pop(alarm.id, None)
        self._states = {alarm.id: alarm.state for alarm in wanted}
        if now_s < self._next_s:
            return None
        for alarm in wanted:
            if alarm.id in self._mine:
                return alarm
        for alarm in wanted:
            if now_s >= max(self._first_s[alarm.id], self._viewer_s) + self._patience_s:
                return alarm
        return None

    def moved(self, alarm: Open, to: State, now_s: float) -> None:
        """She has brought it there; the next move comes a little later."""
        self._next_s = now_s + self._step_s
        if to is State.CLOSED:
            self._mine.pop(alarm.id, None)
            self._states.pop(alarm.id, None)
        else:
            self._mine[alarm.id] = to

    def refused(self, now_s: float) -> None:
        """Somebody was first, or nobody answered: look again a little later."""
        self._next_s = now_s + self._step_s


VERBS: Mapping[str, State] = {
    "take": State.TAKEN,
    "on-way": State.ON_THE_WAY,
    "on-site": State.ON_SITE,
    "close": State.CLOSED,
}


class Nurse:
    """The nurse at work in a thread of her own."""

    def __init__(
        self, tablet: Tablet, alarms: Alarms, who: tuple[str, str], patience: Patience, say: Callable[[str], None]
    ) -> None:
        """who: key and PIN of a member of staff."""
        self._tablet = tablet
        self._alarms = alarms
        self._who = who
        self._patience = patience
        self._say = say
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nurse", daemon=True)

    def start(self, code: str) -> None:
        """Enrol her tablet with this code and begin. Raises RetryError where the centre does not take it."""
        if (status := self._tablet.call("/tablet/enrol", {"code": code})) != 200:
            raise RetryError(f"the nurse's tablet was not enrolled: {status}")
        self._thread.start()

    def stop(self) -> None:
        """Go home."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(15)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                self._once()
            except RetryError:
                self._patience.refused(time.monotonic())

    def _once(self) -> None:
        alarm = self._patience.due(self._alarms.open(), time.monotonic())
        if alarm is None:
            return
        verb = NEXT[alarm.state]
        cause, action = ENDS.get(alarm.kind, ("annet", "tilsyn"))
        body = {"cause": cause, "action": action} if verb == "close" else {}
        path = f"/tablet/alarms/{alarm.id}/{verb}"
        status = self._tablet.call(path, body)
        if status == 401:
            self._tablet.call("/tablet/person", {"staff": self._who[0], "pin": self._who[1]})
            status = self._tablet.call(path, body)
        if status == 200:
            self._patience.moved(alarm, VERBS[verb], time.monotonic())
            self._say(f"{DOES[verb]} {alarm.room}")
        else:
            self._patience.refused(time.monotonic())


DOES: Mapping[str, str] = {
    "take": "Nattevakta (simulert) kvitterer",
    "on-way": "Nattevakta (simulert) går til",
    "on-site": "Nattevakta (simulert) er hos",
    "close": "Nattevakta (simulert) avslutter",
}
