"""The demo as a newcomer meets it: no mosquitto on the path, a code from the terminal, an alarm, Ctrl-C."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.support.people import HttpTablet
from tests.support.processes import python
from tests.support.wait import until

pytestmark = pytest.mark.acceptance


def processes_naming(folder: Path) -> list[str]:
    """Command lines of running processes that name the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found


@pytest.mark.parametrize("path", ["/nonexistent", "/usr/sbin:/usr/bin:/bin"], ids=["embedded broker", "mosquitto"])
def test_the_demo_rings_and_leaves_nothing_but_its_folder(tmp_path: Path, path: str) -> None:
    data = tmp_path / "demo-data"
    with python("demo", tmp_path, "-m", "nattevakt.sim", "demo", "--data", str(data), env={"PATH": path}) as demo:
        until(lambda: "Ctrl-C stopper alt" in demo.text() or not demo.alive, "the demo is up", limit_s=90)
        said = demo.text()
        assert ("embedded (amqtt)" in said) == (path == "/nonexistent"), said
        address = re.search(r"http://127\.0\.0\.1:(\d+)/", said)
        code = re.search(r"koden\s+([A-Z2-7-]{26,})", said)
        assert address, said
        assert code, said
        tablet = HttpTablet(int(address.group(1)), code.group(1))
        until(lambda: tablet.snapshot()["alarms"], "the first press rings", limit_s=60)
        assert "I seng" in tablet.snapshot()["rooms_html"]
        demo.signal(signal.SIGINT)
        assert demo.died() == 0, demo.text()
    assert processes_naming(data) == []
    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix != ".log"] == ["demo-data"]


def test_the_demo_never_empties_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "letter.txt").write_text("kjære", encoding="utf-8")
    with python("demo", tmp_path, "-m", "nattevakt.sim", "demo", "--data", str(tmp_path / "precious")) as demo:
        assert demo.died() == 1
        assert "ikke fra en demo" in demo.text()
    assert (tmp_path / "precious" / "letter.txt").read_text(encoding="utf-8") == "kjære"
