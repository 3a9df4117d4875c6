"""The siren: once for each fault that begins, without a shell, bounded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nattevakt.gateway.local_alarm import AGAIN_S, LocalAlarm, sound
from tests.support.wait import until


def siren(folder: Path) -> tuple[str, ...]:
    path = folder / "siren"
    path.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >> {folder}/sounded\necho >> {folder}/sounded\n')
    path.chmod(0o755)
    return (str(path), "loud")


def sounded(folder: Path) -> list[str]:
    path = folder / "sounded"
    return path.read_text().splitlines() if path.exists() else []


@contextmanager
def running(alarm: LocalAlarm) -> Iterator[None]:
    thread = threading.Thread(target=alarm.run)
    thread.start()
    try:
        yield
    finally:
        alarm.close()
        thread.join(30)
        assert not thread.is_alive()


def test_once_when_a_fault_begins_and_not_while_it_lasts(tmp_path: Path) -> None:
    alarm = LocalAlarm(siren(tmp_path))
    with running(alarm):
        for second in range(5):
            alarm.update({"store": "store: disk full; rm -rf $HOME `id`"}, float(second))
        alarm.update({"store": "store: disk full", "parked 3": "parked: call 3"}, 6.0)
    assert sounded(tmp_path) == ["loud|store: disk full; rm -rf $HOME `id`|", "loud|parked: call 3|"]


def test_a_fault_that_comes_and_goes_sounds_again_only_after_a_while(tmp_path: Path) -> None:
    alarm = LocalAlarm(siren(tmp_path))
    with running(alarm):
        for second in (0.0, 10.0, AGAIN_S + 1):
            alarm.update({"store": "full"}, second)
            alarm.update({}, second + 1)
    assert sounded(tmp_path) == ["loud|full|"] * 2


def test_without_a_command_nothing_runs() -> None:
    alarm = LocalAlarm(None)
    with running(alarm):
        alarm.update({"store": "full"}, 0.0)


def test_a_command_that_is_missing_fails_or_hangs() -> None:
    assert not sound(("/nowhere/siren", "x"))
    assert not sound(("/bin/false",))
    assert not sound(("/bin/sleep", "30"), within_s=0.1)
    assert sound(("/bin/true",))


def test_a_storm_of_faults_is_bounded(tmp_path: Path) -> None:
    alarm = LocalAlarm(siren(tmp_path))
    alarm.update({f"fault {n}": "x" for n in range(100)}, 0.0)
    with running(alarm):
        until(lambda: len(sounded(tmp_path)) >= 1, "the first sounds")
    assert len(sounded(tmp_path)) <= 20
