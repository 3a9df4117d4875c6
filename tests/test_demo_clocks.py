"""The clocks of a demo: one time for all processes, and refused wherever the data are not a demo's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nattevakt.central import clock as central
from nattevakt.central.cli import run_command as central_command
from nattevakt.central.clock import ServiceClock
from nattevakt.edge.errors import RejectError
from nattevakt.edge.pace import MARK, Pace
from nattevakt.gateway import clock as gateway
from nattevakt.gateway.cli import run_command as gateway_command
from nattevakt.gateway.clock import GatewayClock
from nattevakt.sim.pacing import Pacer
from tests.gateway.support import CREDENTIAL
from tests.support.wait import until

NIGHT_MS = 1_795_212_000_000


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    (folder / "gateway").mkdir(parents=True)
    (folder / MARK).touch()
    return folder


@pytest.fixture
def pacer(demo: Path) -> Iterator[Pacer]:
    found = Pacer(demo, NIGHT_MS)
    yield found
    found.close()


def settings(folder: Path, data: Path) -> tuple[Path, Path]:
    """Settings of a centre and a gateway with their data in `data`."""
    (folder / "key").write_text(CREDENTIAL)
    (folder / "central.toml").write_text(
        f'[database]\nurl = "sqlite:///{data / "central.sqlite"}"\n[sweep]\ninterval_s = 1\n'
    )
    (folder / "gateway.toml").write_text(
        f'state_dir = "{data / "gateway"}"\n[centre]\nurl = "http://127.0.0.1:9"\n'
        f'credential_file = "{folder / "key"}"\n[mqtt]\nhost = "127.0.0.1"\n'
    )
    return folder / "central.toml", folder / "gateway.toml"


def test_centre_and_gateway_have_one_time_and_real_time_is_left_alone(demo: Path, pacer: Pacer) -> None:
    centre, agent = central.DemoClock(pacer.file, demo / "db"), gateway.DemoClock(pacer.file, demo / "gateway")
    assert (centre.pace(), agent.pace(), centre.speed()) == (1.0, 1.0, 1.0)
    pacer.set(60)
    until(lambda: centre.speed() == 60, "the new speed is in force")
    began_s, began_ms, boot_ms = centre.monotonic(), centre.now_ms(), agent.boottime_ms()
    until(lambda: centre.monotonic() > began_s + 0.2, "a little time")
    ended_ms, ended_boot_ms, ended_s = centre.now_ms(), agent.boottime_ms(), centre.monotonic()
    assert 12_000 <= ended_ms - began_ms <= (ended_s - began_s) * 60_000 + 1_000
    assert abs((ended_boot_ms - boot_ms) - (ended_ms - began_ms)) < 1_000
    now = agent.now()
    assert 0 <= now.wall_ms - ended_ms < 60_000
    assert now.synced
    assert abs(centre.real_ms() - ServiceClock().now_ms()) < 1_000
    assert abs(agent.monotonic() - GatewayClock().monotonic()) < 1
    pacer.set(1)
    until(lambda: centre.speed() == 1, "slow again")
    assert (centre.pace(), agent.pace()) == (60, 60), "for ten seconds more"


def test_time_never_goes_back_however_often_the_speed_changes(demo: Path, pacer: Pacer) -> None:
    centre, agent = central.DemoClock(pacer.file, demo / "db"), gateway.DemoClock(pacer.file, demo / "gateway")
    last = centre.now_ms()
    for speed in (60, 1, 30, 1, 120, 1):
        pacer.set(speed)
        until_ms = centre.monotonic() + 0.08
        while centre.monotonic() < until_ms:
            for now_ms in (centre.now_ms(), agent.now().wall_ms):
                assert now_ms >= last
                last = now_ms
    assert abs(pacer.now_ms() - centre.now_ms()) < 1_000


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, "kan ikke leses"),
        (b"", "no pace file"),
        (b"\0" * 200, "no pace file"),
        (b"nvpace1\n" + b"x" * 52, "checks"),
    ],
)
def test_without_a_good_pace_file_nothing_starts(demo: Path, raw: bytes | None, said: str) -> None:
    if raw is not None:
        (demo / "pace").write_bytes(raw)
    for made in (central.DemoClock, gateway.DemoClock):
        with pytest.raises(RejectError, match=said):
            made(demo / "pace", demo / "db")


def test_a_speed_is_refused_outside_a_demo(
    tmp_path: Path, demo: Path, pacer: Pacer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither real data with a demo's pace, nor a pace file laid beside real data, nor a database elsewhere."""
    real = tmp_path / "real"
    (real / "gateway").mkdir(parents=True)
    (real / "pace").write_bytes(Pace(NIGHT_MS, 0, 0, 60).to_bytes())
    (demo / "away").symlink_to(real)
    for data, pace, why in (
        (real, pacer.file, "er ikke demodata"),
        (real, real / "pace", "er ikke en demomappe"),
        (demo / "away", pacer.file, "er ikke demodata"),
    ):
        centre, agent = settings(tmp_path, data)
        for command, config in ((central_command, centre), (gateway_command, agent)):
            for words in (("run",), ("status",)):
                assert command([*words, "--config", str(config), "--demo", str(pace)]) == 2
                assert why in capsys.readouterr().err
    monkeypatch.chdir(demo)
    for url in (f"sqlite:///file:{real}/central.sqlite?uri=true", "sqlite:///:memory:"):
        (tmp_path / "uri.toml").write_text(f'[database]\nurl = "{url}"\n[sweep]\ninterval_s = 1\n')
        assert central_command(["status", "--config", str(tmp_path / "uri.toml"), "--demo", str(pacer.file)]) == 2
        assert "demo" in capsys.readouterr().err
    _, agent = settings(tmp_path, demo)
    text = agent.read_text()
    agent.write_text(text.replace("http://127.0.0.1", "https://sentral.example"))
    assert gateway_command(["status", "--config", str(agent), "--demo", str(pacer.file)]) == 2
    assert "centre.url" in capsys.readouterr().err
    (tmp_path / "pg.toml").write_text('[database]\nurl = "postgresql://x/y"\n[sweep]\ninterval_s = 1\n')
    assert central_command(["run", "--config", str(tmp_path / "pg.toml"), "--demo", str(pacer.file)]) == 2
    assert "demomappe" in capsys.readouterr().err


def test_a_demo_must_sweep_often_enough_for_its_five_seconds(
    demo: Path, pacer: Pacer, capsys: pytest.CaptureFixture[str]
) -> None:
    (demo / "slow.toml").write_text(f'[database]\nurl = "sqlite:///{demo / "central.sqlite"}"\n')
    assert central_command(["run", "--config", str(demo / "slow.toml"), "--demo", str(pacer.file)]) == 2
    assert "sweep.interval_s" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["pace", "speed", "demo"])
def test_no_setting_can_ask_for_a_speed(tmp_path: Path, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    centre, agent = settings(tmp_path, tmp_path)
    for command, config in ((central_command, centre), (gateway_command, agent)):
        config.write_text(f"{word} = 60\n" + config.read_text())
        assert command(["check-config", "--config", str(config)]) == 2
        assert re.search(rf"\b{word}\b", capsys.readouterr().err)
