"""Fixtures that more than one part of the tests needs."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from tests.support import scheduling
from tests.support.postgres import Postgres, available, running_cluster

# Plain lines: the default would draw a picture of every traceback, which takes seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
)
# The same examples in every run, and no clock decides whether a test passes.
settings.register_profile("nattevakt", deadline=None, derandomize=True, database=None)
settings.load_profile("nattevakt")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits longest begins first."""
    items[:] = scheduling.in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Share the tests out among processes (`-n`)."""
    return scheduling.Sharing(config, log)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL cluster for the whole session. Where it is not installed, tests skip; in CI they fail."""
    if not available():
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL's server programs are missing, and CI must not do without them")
        pytest.skip("PostgreSQL's server programs are not installed")
    with running_cluster() as cluster:
        yield cluster
