"""`nattevakt-gateway sensors` against a running agent: list, watch, learn, record, and without one."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from nattevakt.edge.drivers.driver import VALUES, Power, Spot
from nattevakt.edge.drivers.enocean.frame import Frame
from nattevakt.gateway import sensor_words as words
from nattevakt.gateway.cli import run_command
from nattevakt.gateway.clock import GatewayClock
from nattevakt.gateway.sensor_list import product_lines
from nattevakt.gateway.sensor_words import interval_words
from nattevakt.gateway.sensors import ask, learn, lines, record, snippet
from nattevakt.gateway.tap import SOCKET_NAME, connect
from tests.gateway.support import HttpCentre
from tests.gateway.test_agent import BUTTON, DOOR, Stick, running, write_config
from tests.support.wait import until

CLIMATE_LEARNS = Frame(1, bytes.fromhex("A508284680018A7B3000"), bytes.fromhex("01FFFFFFFF4900"))
"""A 4BS teach-in that names a profile."""


def open_socket(folder: Path) -> socket.socket:
    def try_it() -> socket.socket | None:
        try:
            return connect(folder)
        except OSError:
            return None

    found = until(try_it, "the tap is open")
    assert found is not None
    found.settimeout(20)
    return found


def test_every_value_place_and_power_has_words() -> None:
    assert set(words.EITHER) | set(words.AMOUNTS) | {"fall"} == set(VALUES) == set(words.VALUE_NAMES)
    assert set(words.POWER_WORDS) == set(Power)
    assert set(words.SPOT_WORDS) == set(Spot)


@pytest.mark.parametrize("command", [["watch"], ["learn"], ["record", "file.jsonl"]])
def test_without_an_agent_it_is_said_plainly(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path, "http://127.0.0.1:9", "/dev/null")
    assert run_command(["sensors", *command, "--config", str(tmp_path / "gateway.toml")]) == 1
    assert "Agenten kjører ikke" in capsys.readouterr().err
    assert not (tmp_path / "file.jsonl").exists()


def test_a_dead_agents_socket_is_no_agent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path, "http://127.0.0.1:9", "/dev/null")
    config.state_dir.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.path.relpath(config.state_dir / SOCKET_NAME))
    assert run_command(["sensors", "watch", "--config", str(tmp_path / "gateway.toml")]) == 1
    assert "Agenten kjører ikke" in capsys.readouterr().err


def test_watch_shows_bytes_beside_their_meaning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stick = Stick(tmp_path / "stick")
    with HttpCentre() as centre, running(write_config(tmp_path, centre.url, stick.link)) as agent:
        open_socket(tmp_path / "state").close()
        assert stat.S_IMODE((tmp_path / "state" / SOCKET_NAME).stat().st_mode) == 0o600
        until(lambda: agent.core.ready and agent._sources.told()["links"], "the port is open")
        done: list[int] = []
        watching = threading.Thread(
            target=lambda: done.append(
                run_command(["sensors", "watch", "--lines", "2", "--config", str(tmp_path / "gateway.toml")])
            )
        )
        watching.start()
        until(lambda: agent._tap.watched, "somebody looks on")
        pressed = stick.press()
        os.write(stick.master, pressed)
        os.write(stick.master, stick.door(closed=True))

        def ended() -> bool:
            # What the driver sends of its own accord counts as lines too.
            os.write(stick.master, stick.door(closed=False) + stick.door(closed=True))
            watching.join(0.2)
            return not watching.is_alive()

        until(ended, "two lines were shown")
        assert done == [0]
    shown = capsys.readouterr().out
    assert pressed.hex() in shown
    assert f"→ {BUTTON}: trykket inn, handling «BI»" in shown
    stick.pull()


def test_list_shows_what_is_set_up_and_how_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stick = Stick(tmp_path / "stick")
    with HttpCentre() as centre, running(write_config(tmp_path, centre.url, stick.link)) as agent:
        until(lambda: agent.core.ready, "the agent is ready")
        os.write(stick.master, stick.press())
        until(lambda: BUTTON in str(agent._sources.told()["devices"]), "the press was heard")
    config = ["--config", str(tmp_path / "gateway.toml")]
    assert run_command(["sensors", "list", *config]) == 0
    shown = capsys.readouterr().out
    assert "Agenten kjører ikke" in shown
    assert f"{BUTTON}: call, profil F6-02-01; sist hørt for " in shown
    assert f"{DOOR}: door, profil D5-00-01; sist hørt ALDRI" in shown
    assert "1 meldinger siden start" in shown
    assert "linje serial:r0" in shown
    assert run_command(["sensors", "list", "--json", *config]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [device["address"] for device in found["devices"]] == [BUTTON, DOOR]
    assert found["devices"][0]["own"]["messages"] == 1
    stick.pull()


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"sensors": 3, "health": [], "sent": null}', '{"sensors":{"devices":[]}}']
)
def test_list_takes_any_status_file(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path, "http://127.0.0.1:9", "/dev/null")
    config.state_dir.mkdir()
    config.status_file.write_text(content, "utf-8")
    assert run_command(["sensors", "list", "--config", str(tmp_path / "gateway.toml")]) == 0
    assert f"{DOOR}: door, profil D5-00-01; sist hørt ALDRI" in capsys.readouterr().out


def test_list_all_shows_the_registry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_config(tmp_path, "http://127.0.0.1:9", "/dev/null")
    config = ["--config", str(tmp_path / "gateway.toml")]
    assert run_command(["sensors", "list", "--all", *config]) == 0
    assert "enocean (enocean:…)" in capsys.readouterr().out
    assert run_command(["sensors", "list", "--all", "--json", *config]) == 0
    assert "zigbee2mqtt" in json.loads(capsys.readouterr().out)


def test_a_device_is_learned_inside_the_window_only(tmp_path: Path) -> None:
    stick = Stick(tmp_path / "stick")
    with HttpCentre() as centre, running(write_config(tmp_path, centre.url, stick.link)) as agent:
        with open_socket(tmp_path / "state") as sock:
            until(lambda: agent.core.ready and agent._sources._ports["r0"].up, "the port is open")
            ask(sock, {"ask": "learn", "seconds": 60})
            told = lines(sock)
            assert "hello" in next(told)
            opened = next(line for line in told if "learning_until_ms" in line)
            assert isinstance(opened["learning_until_ms"], int)
            os.write(stick.master, CLIMATE_LEARNS.to_bytes())
            said = next(
                one
                for line in told
                for one in (line["said"] if isinstance(line.get("said"), list) else [])  # type: ignore[attr-defined]
                if "learned" in one
            )
            assert (said["learned"], said["profile"]) == ("enocean:018A7B30", "A5-02-05")
        # The client is gone: the window closes at once, not when its time is up.
        until(lambda: agent._sources.told()["learning_until_ms"] is None, "the window is closed")
    stick.pull()


def test_the_learn_window_closes_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stick = Stick(tmp_path / "stick")
    with HttpCentre() as centre, running(write_config(tmp_path, centre.url, stick.link)) as agent:
        until(lambda: agent.core.ready and agent._sources._ports["r0"].up, "the port is open")
        with open_socket(tmp_path / "state") as sock:
            done: list[int] = []
            learning = threading.Thread(target=lambda: done.append(learn(sock, GatewayClock().now(), 3, tmp_path)))
            learning.start()
            until(lambda: agent._sources.told()["learning_until_ms"], "the window is open")
            os.write(stick.master, CLIMATE_LEARNS.to_bytes())
            learning.join(20)
            assert done == [0]
            assert agent._sources.told()["learning_until_ms"] is None
    shown = capsys.readouterr().out
    assert "Læring er åpen til" in shown
    assert 'address = "enocean:018A7B30"\nprofile = "A5-02-05"' in shown
    assert "Læring er avsluttet; 1 lært." in shown
    stick.pull()


def test_a_recording_of_a_running_agent_plays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stick = Stick(tmp_path / "stick")
    config = write_config(tmp_path, "http://127.0.0.1:9", stick.link)
    file = tmp_path / "problem.jsonl"
    with running(config) as agent:
        until(lambda: agent.core.ready and agent._sources._ports["r0"].up, "the port is open")
        with open_socket(tmp_path / "state") as sock:
            done: list[int] = []
            recording = threading.Thread(target=lambda: done.append(record(sock, config, file, 1)))
            recording.start()
            until(lambda: agent._tap.watched, "it is recording")
            os.write(stick.master, stick.press())
            recording.join(20)
            assert done == [0]
        assert run_command(["sensors", "record", str(file), "--config", str(tmp_path / "gateway.toml")]) == 1
        assert "finnes fra før" in capsys.readouterr().err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert BUTTON.partition(":")[2].lower() not in file.read_text("utf-8").lower()
    assert run_command(["sensors", "replay", str(file)]) == 0
    assert "⇒ 2 call" in capsys.readouterr().out
    stick.pull()


def test_a_learned_key_lies_in_a_file_of_its_own(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        said = {"learned": "enocean:01020304", "profile": "", "maker": "", "key_line": "00112233"}
        told: tuple[dict[str, object], ...] = ({"learning_until_ms": 9}, {"said": [said]}, {"learning_until_ms": None})
        theirs.sendall(b"".join(json.dumps(line).encode() + b"\n" for line in told))
        assert learn(ours, GatewayClock().now(), 3, tmp_path) == 0
    key = tmp_path / "key-01020304"
    assert key.read_text("utf-8") == "00112233\n"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_learned_device_becomes_settings() -> None:
    shown = snippet({"learned": "enocean:018A7B30", "profile": "A5-04-01", "maker": 'Thermo "kon"'})
    assert '[[device]]\naddress = "enocean:018A7B30"\nprofile = "A5-04-01"' in shown
    assert "støttes ikke ennå" in snippet({"learned": "enocean:018A7B30", "profile": "A5-99-99", "maker": ""})


def test_a_protocol_that_was_added_by_the_how_to_is_known_to_settings_and_lists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = (
        '[mqtt]\nhost = "127.0.0.1"\ndialects = ["tasmota"]\n'
        '[[device]]\naddress = "tasmota:bad/Switch1"\nprofile = "switch_button"\nuse = "call"\n'
    )
    write_config(tmp_path, "http://127.0.0.1:9", "/dev/null", more)
    config = ["--config", str(tmp_path / "gateway.toml")]
    assert run_command(["check-config", *config]) == 0
    assert run_command(["sensors", "list", *config]) == 0
    shown = capsys.readouterr().out
    assert "tasmota:bad/Switch1: call, profil switch_button; sist hørt ALDRI" in shown
    assert "kan være Tasmota snortrekk eller trykknapp på inngang" in shown
    assert "nettstrøm; livstegn hvert 5. minutt" in shown


def test_a_device_whose_sign_of_life_nobody_knows_is_not_called_mute() -> None:
    shown = list(product_lines())

    def of(model: str) -> str:
        return next(line for line in shown if model in line)

    assert "; ukjent; plass: dør" in of("Sonoff SNZB-04")
    assert "; stum; plass: ved sengen" in of("Eltako F4T65, FT55")
    assert (interval_words(None, mute=False), interval_words(None, mute=True)) == ("ukjent", "stum")
    assert interval_words(60, mute=False) == "hvert 60. sekund"
