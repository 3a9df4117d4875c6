"""Settings: strict, and every error names its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from nattevakt.central.config import load_config
from nattevakt.edge.errors import RejectError

GOOD = '[database]\nurl = "sqlite:////tmp/x.sqlite"\n'


def load(folder: Path, words: str) -> object:
    path = folder / "central.toml"
    path.write_text(words, encoding="utf-8")
    return load_config(path)


def test_defaults(tmp_path: Path) -> None:
    path = tmp_path / "central.toml"
    path.write_text(GOOD, encoding="utf-8")
    config = load_config(path)
    assert (config.http.host, config.http.port, config.metrics_token) == ("127.0.0.1", 8000, "")
    assert (config.tablet.heartbeat_s, config.sweep.interval_s, config.sweep.late_s) == (5.0, 5.0, 30.0)


def test_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://a:b@c/d\n", encoding="utf-8")
    (tmp_path / "token").write_text("hush\n", encoding="utf-8")
    path = tmp_path / "central.toml"
    words = f'[database]\nurl_file = "{tmp_path / "url"}"\n[metrics]\ntoken_file = "{tmp_path / "token"}"\n'
    path.write_text(words, encoding="utf-8")
    config = load_config(path)
    assert (config.database_url, config.metrics_token) == ("postgresql://a:b@c/d", "hush")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("", "config.database.url"),
        ("x = 1", "config.x"),
        (GOOD + "[http]\nprot = 1", "config.http.prot"),
        (GOOD + "[http]\nport = 70000", "config.http.port"),
        (GOOD + "[http]\nport = '80'", "config.http.port"),
        (GOOD + "[sweep]\ninterval_s = 60", "config.sweep.interval_s"),
        (GOOD + "[tablet]\nheartbeat_s = 60", "config.tablet.heartbeat_s"),
        ('[database]\nurl = "mysql://x"', "config.database.url"),
        ('[database]\nurl = "x"', "config.database.url"),
        ('[database]\nurl = "sqlite:///x"\nurl_file = "y"', "config.database.url"),
        ('[database]\nurl_file = "/nowhere/at/all"', "config.database.url_file"),
        ('log_level = "loud"\n' + GOOD, "config.log_level"),
        ("[", "central.toml"),
    ],
)
def test_an_error_names_the_key(tmp_path: Path, words: str, named: str) -> None:
    with pytest.raises(RejectError) as caught:
        load(tmp_path, words)
    assert named in caught.value.field


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(RejectError, match="cannot be read"):
        load_config(tmp_path / "nothing.toml")
