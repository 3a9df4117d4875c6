"""The command line as a person meets it: output, exit codes, errors in one line."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from nattevakt.edge.events import Call, Moment
from nattevakt.edge.wire import GatewayHealth, Heartbeat
from nattevakt.gateway import cli, health
from nattevakt.gateway.cli import run_command
from nattevakt.gateway.clock import GatewayClock
from nattevakt.gateway.logs import clean, kv
from tests.gateway.support import CREDENTIAL, event, moment, outbox


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "credential").write_text(CREDENTIAL)
    path = tmp_path / "gateway.toml"
    path.write_text(
        f'state_dir = "{tmp_path}"\n[centre]\nurl = "http://127.0.0.1:8000"\n'
        f'credential_file = "{tmp_path / "credential"}"\n'
        '[[serial]]\nname = "r0"\nport = "/dev/none"\ndriver = "enocean"\n[mqtt]\nhost = "127.0.0.1"\n'
        '[[device]]\naddress = "enocean:0181192D"\nprofile = "D5-00-01"\nuse = "door"\ninvert = true\n'
        '[local_alarm]\ncommand = ["/bin/true"]\n'
    )
    return path


def test_check_config_shows_what_it_understood_and_no_secret(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["check-config", "--config", str(config)]) == 0
    shown = capsys.readouterr().out
    for part in ("furutun/gw1", "enocean:0181192D: door, profil D5-00-01, snudd", "gyldige", "/bin/true"):
        assert part in shown
    assert "abcdef" not in shown


@pytest.mark.parametrize("command", ["check-config", "run", "status", "tail"])
def test_bad_settings_are_one_line_and_exit_2(
    config: Path, command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config.write_text(config.read_text().replace("D5-00-01", "D5-00-99"))
    assert run_command([command, "--config", str(config)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    config.write_text(config.read_text().replace("D5-00-99", "D5-00-01"))
    (tmp_path / "credential").write_text("wrong")
    assert run_command([command, "--config", str(config)]) == 2
    error = capsys.readouterr().err
    assert "centre.credential_file" in error
    assert error.count("\n") == 1


def write_status(folder: Path, at: Moment, faults: tuple[str, ...], *, is_running: bool = True) -> None:
    said = GatewayHealth(
        "1", 60, 2, 3, 0, 0, 900, clock_synced=True, sources={"mqtt": "up"}, faults=faults, findings=("x: y",)
    )
    beat = Heartbeat(at, "a" * 32, (), None, said, {"enocean:0181192D": 4_000})
    health.write_status(folder / "status.json", beat, {"running": is_running})


def test_status_for_people_and_for_machines(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["status", "--config", str(config)]
    assert run_command(arguments) == 1
    assert "ikke skrevet noen status" in capsys.readouterr().out
    clock = GatewayClock()
    write_status(tmp_path, clock.now(), ())
    assert run_command(arguments) == 0
    shown = capsys.readouterr().out
    for part in ("kjører", "kilde mqtt: up", "sist hørt enocean:0181192D: for 4 s siden", "funn: x: y"):
        assert part in shown
    write_status(tmp_path, clock.now(), ("store: disk full",))
    assert run_command([*arguments, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["all_faults"] == ["store: disk full"]
    assert list(tmp_path.glob("*.new")) == []


def test_status_of_an_agent_that_does_not_run(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["status", "--config", str(config), "--json"]
    for at, is_running in ((moment(0), True), (GatewayClock().now(), False)):
        write_status(tmp_path, at, (), is_running=is_running)
        assert run_command(arguments) == 1
        assert json.loads(capsys.readouterr().out)["all_faults"] == ["agent: not running"]
    (tmp_path / "status.json").write_text('{"health": 3}')
    assert run_command(arguments) == 1


def test_tail_shows_rows_as_they_come(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["tail", "--config", str(config)]
    assert run_command(arguments) == 1
    box = outbox(tmp_path)
    box.open("1", moment())
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(run_command([*arguments, "--lines", "2", "--from-start"])))
    thread.start()
    box.append([event(Call("enocean:00298979", "press"))], {})
    thread.join(30)
    assert codes == [0]
    started, call = capsys.readouterr().out.splitlines()
    assert started.startswith("event=started seq=1 ")
    assert "event=call seq=2" in call
    assert "urgency=A device=enocean:00298979 state=usendt" in call
    box.close()
    (tmp_path / "outbox.sqlite").write_bytes(b"no database" * 100)
    assert run_command([*arguments, "--from-start"]) == 1


def test_help_is_norwegian_and_a_command_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command([])
    assert ended.value.code == 2
    with pytest.raises(SystemExit):
        run_command(["--help"])
    assert "kjør gatewayen" in capsys.readouterr().out


def test_serve_gives_2_for_settings_that_are_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.serve(tmp_path / "none.toml") == 2
    assert "cannot be read" in capsys.readouterr().err


def test_log_lines_are_one_line_each() -> None:
    assert kv("x", a=1, b="two words", c="") == 'event=x a=1 b="two words" c=""'
    assert "\n" not in kv("x", a="line\nbreak")
    assert clean("a\x00b\u2028c" * 100, 10) == "a b c" * 2


def test_the_real_clock_goes_forward_and_knows_its_boot(tmp_path: Path) -> None:
    clock = GatewayClock()
    one, two = clock.now(), clock.now()
    assert one.boot == two.boot
    assert 0 < one.boottime_ms <= two.boottime_ms
    assert one.wall_ms > 1_700_000_000_000
    assert clock.monotonic() <= clock.monotonic()
    (tmp_path / "synchronized").touch()
    other = GatewayClock(tmp_path / "hidden", tmp_path / "synchronized")
    assert other.now().synced
    assert len(other.now().boot) == 36


def test_what_is_told_is_bounded_and_clean(tmp_path: Path) -> None:
    assert health.listed(["a\nb"]) == ("a b",)
    found = health.listed(str(n) for n in range(300))
    assert len(found) == health.LISTED_MAX
    assert found[-1] == "and 251 more"
    assert len(health.counted({f"c{n}": n for n in range(1_000)})) == health.COUNTERS_MAX
    machine = health.Machine(tmp_path, tmp_path / "temp")
    assert machine.temperature_c() is None
    (tmp_path / "temp").write_text("48312\n")
    assert machine.temperature_c() == 48.312
    assert machine.disk_free_mb() > 0
    assert health.Machine(tmp_path / "none").disk_free_mb() == 0
    assert health.age_ms(moment(0), moment(500)) == 500
    assert health.age_ms(moment(0, boot="other"), moment(500)) == 500
    assert health.age_ms(moment(500), moment(0)) == 0
    assert health.status_faults({"health": {}}) == []
