"""The [local] section: strict, and off where nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from nattevakt.edge.errors import RejectError
from nattevakt.gateway.config import GatewayConfig, parse

LEAST = (
    'state_dir = "/s"\n[centre]\nurl = "http://c"\ncredential_file = "/c"\n'
    '[[serial]]\nname = "r"\nport = "/p"\ndriver = "enocean"\n'
)


def local(*lines: str) -> GatewayConfig:
    return parse(LEAST + "[local]\n" + "\n".join(lines) + "\n")


def test_unset_it_is_a_minute_and_no_page() -> None:
    found = parse(LEAST).local
    assert (found.after_s, found.listens, found.page_code_file) == (60.0, None, None)


def test_all_of_it() -> None:
    found = local("after_s = 120", 'page = "10.0.0.7:8088"', 'page_code_file = "/etc/code"').local
    assert (found.after_s, found.listens, found.page_code_file) == (120, ("10.0.0.7", 8088), Path("/etc/code"))


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("after_s = 29", "local.after_s"),
        ("after_s = 601", "local.after_s"),
        ('page = "8088"', "local.page"),
        ('page = ":8088"', "local.page"),
        ('page = "h:99999"', "local.page"),
        ('page = "::1:80"', "local.page"),
        ('page_code_file = "code"', "local.page_code_file"),
        ("siren = true", "local.siren"),
    ],
)
def test_what_cannot_be_is_refused_by_name(line: str, key: str) -> None:
    with pytest.raises(RejectError) as refused:
        local(line)
    assert refused.value.field == key
