"""What is known of one device: unknown from when and until what."""

from __future__ import annotations

from nattevakt.central.devices import DeviceState
from nattevakt.edge.events import Bed, Body, Call, Health, Leak, Motion


def _lost(address: str) -> DeviceState:
    """A device of which rows were given up between the tenth and the twentieth second."""
    state = DeviceState(address, last_heard_ms=9_000)
    state.unknown(10_000, "rows_lost", 20_000, needs_event=True)
    return state


def test_what_has_no_lasting_state_is_known_again_when_it_tells_of_something() -> None:
    for body in (Motion("a"), Call("a", "press"), Leak("a")):
        state = _lost("a")
        state.take(body, 15_000)
        assert state.unknown_since_ms == 10_000, "it was under way when rows were given up"
        state.heard(25_000)
        state.take(Health("a", battery_percent=50), 26_000)
        assert state.unknown_since_ms == 10_000, "mere life is no event"
        state.take(body, 30_000)
        assert state.unknown_since_ms is None


def test_what_has_a_lasting_state_is_known_again_when_it_tells_of_that() -> None:
    state = DeviceState("b")
    state.take(Bed("b", occupied=True), 5_000)
    state.unknown(10_000, "rows_lost", 20_000, needs_event=True)
    beside: Body = Motion("b")
    state.take(beside, 30_000)
    assert state.unknown_since_ms == 10_000
    state.take(Bed("b", occupied=True), 40_000)
    assert state.unknown_since_ms is None
