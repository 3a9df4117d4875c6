"""Sirens at the gateway: told, confirmed, told again; never longer than the lease, never silent while asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from nattevakt.edge.wire import HeartbeatReply
from nattevakt.edge.wire_heartbeat import SirenAsked, SirenSaid
from nattevakt.gateway import siren as module
from nattevakt.gateway.inputs import MqttDown, MqttReceived, MqttSend, MqttUp
from nattevakt.gateway.siren import LOCAL, Siren, Sirens
from nattevakt.sim.devices.siren import SimSiren

BASE = "zigbee2mqtt"
HORN = Siren("z2m:gang/sirene")
PLUG = Siren("z2m:lampe", "state")
MUTE = Siren("z2m:stum", "warning", "none")


@dataclass
class Bench:
    """The gateway's sirens, the real ones behind a bridge, and a clock in the test's hand."""

    siren: Siren = HORN
    now_ms: int = 1_000
    broker: bool = True
    commands: list[tuple[int, dict[str, object]]] = field(default_factory=list)
    check: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.horn = SimSiren(self.siren, BASE, alarm_s=90)
        self.begin()

    def begin(self) -> None:
        """The agent starts."""
        self.sirens = Sirens((self.siren,), BASE)
        if self.broker:
            self.sirens.took(MqttUp(1, session_present=True), self.now_ms)
        self.turn()

    def turn(self) -> None:
        """One round of the core."""
        for output in self.sirens.step(self.now_ms):
            assert isinstance(output, MqttSend)
            self.commands.append((self.now_ms, json.loads(output.payload)))
            if self.broker:
                self.says(self.horn.hear(output.topic, output.payload, self.now_ms))

    def says(self, payload: bytes | None, part: str = "", *, retained: bool = False) -> bool:
        """The bridge publishes something of the siren."""
        if payload is None or not self.broker:
            return False
        return self.sirens.took(MqttReceived(self.horn.topic + part, payload, retained, 1, 1), self.now_ms)

    def run(self, ms: int) -> None:
        """Time passes, moment by moment as the gateway and the siren want to be called."""
        end_ms = self.now_ms + ms
        while True:
            dues = [self.sirens.wake_at_ms(), self.horn.due_ms, end_ms]
            next_ms = min(due for due in dues if due is not None)
            assert next_ms > self.now_ms or next_ms == end_ms, "it wants to be called for nothing"
            self.now_ms = next_ms
            self.says(self.horn.tick(self.now_ms))
            self.turn()
            self.check()
            if self.now_ms >= end_ms:
                return

    def centre(self, *, on: bool, lease_s: int = 120) -> None:
        """A heartbeat is answered."""
        self.sirens.answered(HeartbeatReply({}, 0, siren=SirenAsked(on, lease_s)))
        self.turn()

    def link(self, *, up: bool) -> None:
        """The broker goes or comes."""
        self.broker = up
        self.sirens.took(MqttUp(2, session_present=True) if up else MqttDown("gone"), self.now_ms)
        self.turn()

    def sounds(self) -> bool:
        return self.horn.sounds(self.now_ms)

    @property
    def said(self) -> SirenSaid:
        found = self.sirens.said(self.now_ms)
        assert found is not None
        return found[self.siren.address]

    @property
    def faults(self) -> list[str]:
        return list(self.sirens.faults(self.now_ms).values())


def test_asked_it_sounds_and_says_so_and_is_silent_when_nobody_asks_any_more() -> None:
    bench = Bench()
    bench.centre(on=True)
    assert bench.sounds()
    assert bench.said == SirenSaid("on", told=True, age_ms=0)
    assert bench.commands[-1][1] == {
        "warning": {"mode": "emergency", "level": "very_high", "strobe": True, "duration": 60}
    }
    bench.run(5_000)
    assert bench.said == SirenSaid("on", told=True, age_ms=5_000)
    bench.centre(on=False)
    assert not bench.sounds()
    assert bench.said == SirenSaid("off", told=False, age_ms=0)
    assert bench.commands[-1][1]["warning"]["mode"] == "stop"  # type: ignore[index]
    assert bench.faults == []


@pytest.mark.parametrize(
    ("command", "on", "off"),
    [
        ("alarm", {"alarm": True}, {"alarm": False}),
        ("alarm_on_off", {"alarm": "ON"}, {"alarm": "OFF"}),
        ("state", {"state": "ON"}, {"state": "OFF"}),
    ],
)
def test_each_command_has_its_own_words(command: str, on: dict[str, object], off: dict[str, object]) -> None:
    bench = Bench(Siren("z2m:s", command))
    bench.centre(on=True)
    assert (bench.commands[-1][1], bench.said.state) == (on, "on")
    bench.centre(on=False)
    assert (bench.commands[-1][1], bench.said.state) == (off, "off")


def test_the_first_thing_told_after_a_start_is_to_be_silent_unless_somebody_asks() -> None:
    bench = Bench(PLUG)
    bench.centre(on=True)
    bench.begin()
    bench.run(9_000)
    assert bench.sounds(), "nobody knows yet whether it should"
    bench.centre(on=True)
    assert bench.sounds()
    bench.begin()
    bench.centre(on=False)
    assert not bench.sounds()
    bench.centre(on=True)
    bench.begin()
    bench.run(11_000)
    assert not bench.sounds(), "no centre to be heard: told off"


def test_a_lost_centre_leaves_nothing_howling() -> None:
    bench = Bench(PLUG)
    bench.centre(on=True)
    bench.run(118_000)
    assert bench.sounds()
    bench.run(2_000)
    assert not bench.sounds()
    assert bench.said.state == "off"


def test_a_lease_without_a_broker_ends_by_the_siren_s_own_clock() -> None:
    bench = Bench()
    bench.centre(on=True, lease_s=40)
    bench.link(up=False)
    bench.run(39_000)
    assert bench.sounds()
    assert bench.said.state == "unreachable"
    bench.run(1_000)
    assert not bench.sounds()


def test_a_centre_that_says_nothing_of_sirens_takes_nothing_back() -> None:
    bench = Bench()
    bench.centre(on=True)
    bench.sirens.answered(HeartbeatReply({}, 0))
    bench.run(60_000)
    assert bench.sounds()


def test_the_gateway_s_own_asking_stands_beside_the_centre_s() -> None:
    bench = Bench()
    bench.sirens.ask(LOCAL, bench.now_ms + 50_000, bench.now_ms)
    bench.centre(on=False)
    assert bench.sounds()
    bench.sirens.ask(LOCAL, None, bench.now_ms)
    bench.turn()
    assert not bench.sounds()
    bench.sirens.ask(LOCAL, bench.now_ms + 10**9, bench.now_ms)
    bench.run(299_000)
    assert bench.sounds()
    bench.run(2_000)
    assert not bench.sounds(), "no lease is without an end"


def test_what_is_not_confirmed_is_told_again_and_then_told_of() -> None:
    bench = Bench()
    bench.horn.reachable = False
    bench.centre(on=True)
    bench.run(30_000)
    assert [at - 1_000 for at, said in bench.commands if said["warning"]["mode"] != "stop"] == [  # type: ignore[index]
        *(0, 10_000, 20_000, 30_000)
    ]
    assert (bench.said.state, bench.faults) == ("unknown", [])
    bench.run(1)
    assert bench.said == SirenSaid("silent", told=True)
    assert bench.faults == ["siren: z2m:gang/sirene was told to sound and does not say that it does"]
    bench.horn.reachable = True
    bench.run(10_000)
    assert (bench.sounds(), bench.said.state, bench.faults) == (True, "on", [])


def test_one_that_falls_silent_by_itself_is_told_again_at_once() -> None:
    bench = Bench(Siren("z2m:s", "alarm"))
    bench.horn = SimSiren(bench.siren, BASE, alarm_s=7)
    bench.centre(on=True)
    quiet_ms = 0
    for _ in range(100):
        bench.run(1_000)
        quiet_ms += 0 if bench.sounds() else 1_000
    assert quiet_ms == 0, "it says that it is silent, and is told again in the same moment"


def test_what_was_kept_is_no_report() -> None:
    bench = Bench()
    bench.horn.reachable = False
    bench.centre(on=True)
    assert bench.says(b'{"alarm": true}', retained=True)
    assert bench.said.state == "unknown"
    bench.says(b'{"alarm": true}')
    assert bench.said.state == "on"


def test_a_report_from_before_it_was_told_confirms_nothing() -> None:
    bench = Bench()
    bench.says(b'{"alarm": true}')
    bench.horn.reachable = False
    bench.centre(on=True)
    assert bench.said.state == "unknown"


def test_a_siren_that_never_says_is_never_confirmed_and_is_not_called_silent() -> None:
    bench = Bench(MUTE)
    bench.centre(on=True)
    bench.run(100_000)
    assert (bench.sounds(), bench.said) == (True, SirenSaid("unknown", told=True))
    assert bench.faults == []
    assert bench.sirens.findings() == {"z2m:stum": module.MUTE}


def test_a_siren_that_is_away_is_told_of_and_told_anew_when_it_is_back() -> None:
    bench = Bench()
    bench.says(b'{"state":"offline"}', "/availability", retained=True)
    bench.horn.reachable = False
    bench.centre(on=True)
    assert bench.said.state == "unreachable"
    bench.run(31_000)
    assert bench.faults == ["siren: z2m:gang/sirene cannot be reached"]
    bench.run(5_000)
    bench.horn.reachable = True
    bench.says(b"online", "/availability")
    bench.turn()
    assert (bench.sounds(), bench.faults) == (True, [])


def test_a_bridge_that_is_away_is_not_spoken_to() -> None:
    bench = Bench()
    bridge = f"{BASE}/bridge/state"
    assert not bench.sirens.took(MqttReceived(bridge, b'{"state":"offline"}', retained=True), bench.now_ms)
    bench.centre(on=True)
    assert (bench.sounds(), bench.said.state) == (False, "unreachable")
    bench.sirens.took(MqttReceived(bridge, b'{"state":"online"}'), bench.now_ms)
    bench.turn()
    assert (bench.sounds(), bench.said.state) == (True, "on")


def test_no_broker_is_a_fault() -> None:
    bench = Bench(broker=False)
    bench.run(31_000)
    assert bench.faults == ["siren: z2m:gang/sirene cannot be reached"]
    assert bench.commands == []


def test_one_that_somebody_else_wants_to_sound_is_told_off_for_a_while_and_then_told_of() -> None:
    bench = Bench()
    bench.horn.reachable = False
    bench.centre(on=False)
    bench.says(b'{"alarm": true}')
    bench.run(300_000)
    assert len(bench.commands) == 13
    assert bench.faults == ["siren: z2m:gang/sirene sounds although nobody asks for it"]


def test_one_that_says_nothing_at_rest_is_told_off_thrice_and_then_now_and_then() -> None:
    bench = Bench()
    bench.horn.reachable = False
    bench.centre(on=False)
    bench.run(3_600_000)
    assert len(bench.commands) == 3 + 5
    assert bench.faults == []
    bench.says(b'{"alarm": false}')
    bench.run(3_600_000)
    assert len(bench.commands) == 3 + 5, "until it has said anything"


def test_one_that_sounded_is_told_off_until_it_says_that_it_is() -> None:
    bench = Bench(PLUG)
    bench.centre(on=True)
    bench.horn.reachable = False
    bench.centre(on=False)
    bench.run(600_000)
    assert (bench.sounds(), bench.said.state) == (True, "unknown")
    assert bench.faults == ["siren: z2m:lampe was told to be silent and does not say that it is"]
    bench.horn.reachable = True
    bench.run(60_000)
    assert (bench.sounds(), bench.said.state, bench.faults) == (False, "off", [])


def test_attribute_by_attribute_it_is_understood_too() -> None:
    bench = Bench()
    bench.horn.reachable = False
    bench.centre(on=True)
    assert not bench.says(b"true", "/alarm"), "nobody can say that it is no other device of that name"
    assert bench.said.state == "on"
    assert bench.says(b"{}", "/set")


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff", b'{"alarm":{}}', b'{"alarm":null}', b'{"alarm":"x"}'])
def test_nonsense_changes_nothing(payload: bytes) -> None:
    bench = Bench()
    bench.horn.reachable = False
    bench.centre(on=True)
    for part in ("", "/availability", "/alarm"):
        bench.says(payload, part)
    assert bench.said == SirenSaid("unknown", told=True)


def test_a_siren_s_messages_are_its_own_unless_it_is_a_sensor_too() -> None:
    told = MqttReceived(f"{BASE}/gang/sirene", b'{"battery_low": true}')
    alone = Sirens((HORN,), BASE)
    both = Sirens((HORN,), BASE, frozenset({HORN.address}))
    assert alone.took(told, 0)
    assert not both.took(told, 0)
    assert alone.findings() == both.findings() == {HORN.address: module.LOW_BATTERY}
    assert not alone.took(MqttReceived(f"{BASE}/gang/dor", b"{}"), 0)
    assert not alone.took(MqttReceived("annet/gang/sirene", b"{}"), 0)


def test_without_sirens_nothing_is_said() -> None:
    none = Sirens()
    assert not none.took(MqttUp(1, session_present=False), 0)
    assert (none.step(0), none.said(0), none.faults(0), none.wake_at_ms(), none.last()) == ([], None, {}, None, [])


def test_at_the_end_only_those_are_told_off_that_would_go_on() -> None:
    for siren, told in ((HORN, []), (PLUG, [{"state": "OFF"}])):
        bench = Bench(siren)
        assert bench.sirens.last() == []
        bench.centre(on=True)
        last = [json.loads(found.payload) for found in bench.sirens.last() if isinstance(found, MqttSend)]
        assert last == told
