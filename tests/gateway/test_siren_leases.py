"""Whatever happens to brokers, radios and agents: never longer than the lease, never silent while asked."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.wire import HeartbeatReply
from nattevakt.edge.wire_heartbeat import SirenAsked
from nattevakt.gateway import siren as module
from nattevakt.gateway.siren import CENTRE, COMMANDS, LOCAL, Siren
from tests.gateway.test_siren import Bench

acts = st.lists(
    st.tuples(
        st.sampled_from(
            ("on", "on", "off", "silence", "again", "local", "local_off", "down", "up", "radio", "restart", "press")
        ),
        st.integers(0, 70_000),
        st.integers(1, 150),
    ),
    max_size=25,
)


class Judged(Bench):
    """A bench that is judged at every moment."""

    def __init__(self, siren: Siren) -> None:
        self.ends: dict[str, int] = {}
        self.latest_ms = 0
        self.calm_ms = 0
        self.restarted = False
        super().__init__(siren)
        self.check = self.judge

    def lease(self, who: str, seconds: int | None) -> None:
        self.ends.pop(who, None)
        if seconds is not None:
            self.ends[who] = self.now_ms + seconds * 1_000
            self.latest_ms = max(self.latest_ms, self.ends[who])

    def judge(self) -> None:
        """Never longer than the lease; never silent while asked, once the way has been there for a while."""
        asked_ms = max(self.ends.values(), default=0) - self.now_ms
        calm_ms = self.now_ms - self.calm_ms if self.broker and self.horn.reachable else 0
        if self.sounds() and self.siren.command == "warning":
            assert self.now_ms <= self.latest_ms
        if asked_ms <= 0 and calm_ms > (module.REST_MS if self.restarted else module.SLOW_MS):
            assert not self.sounds()
        if asked_ms >= module.LEAST_MS and calm_ms > module.RENEW_MS:
            assert self.sounds()
            assert self.said.state == "on"


@given(st.sampled_from(sorted(COMMANDS)), acts)
def test_never_longer_than_the_lease_and_never_silent_while_asked(
    command: str, acts: list[tuple[str, int, int]]
) -> None:
    bench = Judged(Siren("z2m:s", command))
    last = SirenAsked(on=False)
    for act, pause_ms, seconds in acts:
        if act in ("on", "off"):
            last = SirenAsked(act == "on", seconds)
        if act in ("on", "off", "again"):
            # "again": the very same answer once more, as late as it likes: it asks anew from now.
            bench.lease(CENTRE, last.lease_s if last.on else None)
            bench.centre(on=last.on, lease_s=last.lease_s)
        elif act == "silence":
            bench.sirens.answered(HeartbeatReply({}, 0))
        elif act in ("local", "local_off"):
            bench.lease(LOCAL, seconds if act == "local" else None)
            bench.sirens.ask(LOCAL, bench.ends.get(LOCAL), bench.now_ms)
        elif act == "press":
            bench.says(json.dumps({"alarm": True, "state": "ON"}).encode())
        else:
            bench.calm_ms = bench.now_ms
            if act == "radio":
                bench.horn.reachable = not bench.horn.reachable
            elif act == "restart":
                bench.ends.clear()
                bench.restarted = True
                bench.begin()
            else:
                bench.link(up=act == "up")
        bench.turn()
        bench.run(pause_ms)
    bench.run(1_300_000)
    if bench.broker and bench.horn.reachable:
        assert not bench.sounds()
