"""The examples of the guides about duty, messages, paper and reports are accepted by what really reads them."""

from __future__ import annotations

import base64
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nattevakt.central.cli import parser
from nattevakt.central.config import load_config
from nattevakt.central.config_channels import make_roads
from nattevakt.central.notify import routing
from nattevakt.central.people import rota
from nattevakt.central.seed_duty import duty_of

ROOT = Path(__file__).parents[1]
GUIDES = ROOT / "docs/how-to"
DUTY = (GUIDES / "make-a-duty-plan.md").read_text("utf-8")
MESSAGES = (GUIDES / "set-up-text-messages-and-push.md").read_text("utf-8")


def commands(path: Path) -> list[str]:
    """The command lines of the centre that a guide shows, whether or not with a prompt before them."""
    found = re.findall(r"^(?:\$ |    )(nattevakt-central .*)$", path.read_text("utf-8"), re.MULTILINE)
    return [str(line).replace("%i", "2etg") for line in found]


@pytest.mark.parametrize(
    ("page", "least"),
    [
        ("make-a-duty-plan", 3),
        ("set-up-text-messages-and-push", 2),
        ("print-the-night-list", 1),
        ("read-the-reports", 1),
    ],
)
def test_every_command_of_a_guide_is_one_that_the_centre_knows(page: str, least: int) -> None:
    lines = commands(GUIDES / f"{page}.md")
    assert len(lines) >= least
    for line in lines:
        assert parser().parse_args(shlex.split(line)[1:]).command, line


def fenced(page: str, language: str) -> str:
    """The one block of a language in a guide."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_routing_of_the_guide_is_accepted() -> None:
    routing.check(routing.read(json.loads(fenced(DUTY, "json"))), wards=("a", "b"), staff=("kari",), webhooks=())


def test_every_target_of_the_guide_is_one() -> None:
    (row,) = re.findall(r"^\| `to` \| (.*) \|$", DUTY, re.MULTILINE)
    shown = re.findall(r"`([^`]+)`", row)
    assert len(shown) == 9
    put = {"duty:<role>": "duty:vakt", "team:<key>": "team:t", "phone:+47…": "phone:+4790000000"}
    targets = [put.get(one, one.replace("<key>", "w")) for one in shown]
    plain = {
        "teams": [{"key": "t", "name": "T", "staff": ["kari"]}],
        "chains": [{"key": "c", "name": "C", "steps": [{"to": targets, "after_s": 0}]}],
        "routes": [{"chain": "c"}],
    }
    routing.check(routing.read(plain), wards=(), staff=("kari",), webhooks=("w",))


def test_the_rota_of_the_guide_is_read() -> None:
    lines = rota.read_rota(fenced(DUTY, "text").encode())
    assert [line["ansatt"] for _, line in lines] == ["kari", "per"]
    assert [line["sone"] for _, line in lines] == ["", "nord"]


def test_the_duty_of_the_guides_seed_file_is_read() -> None:
    (entry,) = tomllib.loads(fenced(DUTY, "toml"))["duty"]
    assert duty_of(entry, "duty[0]").staff == "kari"


def settings(head: str) -> list[str]:
    """The indented blocks of the guide about messages that set this table."""
    return re.findall(rf"^ {{4}}{re.escape(head)}\n(?: {{4}}.*\n)*", MESSAGES, re.MULTILINE)


@pytest.mark.parametrize(("head", "names"), [("[sms]", ["sms"]), ("[push]", ["push"]), ("[[webhooks]]", None)])
def test_the_settings_of_the_guide_are_ones_that_the_centre_takes(
    tmp_path: Path, head: str, names: list[str] | None
) -> None:
    (tmp_path / "sms-token").write_text("token\n")
    (tmp_path / "vaktsentral-secret").write_text("whsec_" + base64.b64encode(bytes(32)).decode() + "\n")
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        # As `openssl ecparam -genkey -noout` writes it.
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    (tmp_path / "push.pem").write_bytes(key)
    found = settings(head)
    assert len(found) == (2 if head == "[sms]" else 1)
    for block in found:
        file = tmp_path / "central.toml"
        written = re.sub(r"^ {4}", "", block, flags=re.MULTILINE).replace("/etc/nattevakt", str(tmp_path))
        file.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/c.sqlite"\n{written}')
        config = load_config(file)
        roads = make_roads(config.sms, config.push, config.webhooks, lambda: 0.0, bytes)
        assert [road.name for road in roads.all] == (names or ["webhook:vaktsentral"])
        roads.close()
