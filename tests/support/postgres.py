"""One real PostgreSQL cluster for a test session, and a fresh database for whoever asks. Only tests start it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from nattevakt.central import migrate
from tests.support.spare import Spare

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
ROLE = "nattevakt_app"


def available() -> bool:
    """Whether the server's programs are installed."""
    return bool(BINARIES)


class Postgres:
    """A cluster on a unix socket in a folder of its own, with fsync as in production.

    The application's role owns its databases and is no superuser, so that row-level security holds for it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count()
        self._template = ""
        self._spare: Spare | None = None

    def start(self) -> None:
        """Make the cluster and start it."""
        self.folder.chmod(0o755)
        data = self.folder / "data"
        data.mkdir()
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
            shutil.chown(data, "postgres")
        self._run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale")
        self.start_again()
        self._admin(f"CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOBYPASSRLS")

    def start_again(self) -> None:
        """Start the cluster on the data that it has, after a crash as well."""
        settings = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c max_connections=100"
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run("pg_ctl", "-D", data, "-l", log, "-w", "-t", "60", "-o", settings, "start")

    def crash(self) -> None:
        """End the cluster as a crash does: no farewell, nothing flushed; `start_again` recovers."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        """Stop the cluster at once; its folder goes with it."""
        self.crash()

    def fresh_database(self) -> tuple[str, str]:
        """A migrated, empty database: its URL for the application, and one for a superuser who sees all rows."""
        if not self._template:
            self._template = "nattevakt_template"
            self._admin(f"CREATE DATABASE {self._template} OWNER {ROLE}")
            migrate.upgrade(self.url(self._template))
        name = f"nattevakt_{next(self._numbers)}"
        self._admin(f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {self._template}")
        return self.url(name), self.url(name, "postgres")

    def lend(self) -> str:
        """A migrated, empty database, for one test at a time: `give_back` empties it for the next."""
        if self._spare is None:
            self._spare = Spare(*self.fresh_database())
        return self._spare.url

    def give_back(self, url: str) -> None:
        """A test has done with what it was lent. What cannot be emptied is removed."""
        assert self._spare is not None
        assert self._spare.url == url
        if not self._spare.emptied():
            self._spare = None
            self.drop(url)

    def empty_database(self) -> str:
        """A database without any schema."""
        name = f"nattevakt_{next(self._numbers)}"
        self._admin(f"CREATE DATABASE {name} OWNER {ROLE}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._admin(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def url(self, name: str, role: str = ROLE) -> str:
        """How SQLAlchemy reaches a database."""
        return f"postgresql+psycopg://{role}@/{name}?host={self.folder}"

    def _admin(self, sql: str) -> None:
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(sql.encode())

    def _run(self, program: str, *words: str) -> None:
        # Into a file: the server keeps its starter's pipes open, so that reading them would never end.
        with (self.folder / "programs.log").open("ab") as log:
            done = subprocess.run(
                [str(BINARIES[-1] / program), *words],
                # The server refuses to run as root.
                user=pwd.getpwnam("postgres").pw_uid if os.getuid() == 0 else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                cwd=self.folder,
                timeout=120,
            )
        assert done.returncode == 0, f"{program}: {(self.folder / 'programs.log').read_text(encoding='utf-8')[-2000:]}"


@contextmanager
def running_cluster() -> Iterator[Postgres]:
    """A cluster that is gone afterwards."""
    # A socket's path must be short, so pytest's own folders will not do.
    folder = Path(tempfile.mkdtemp(prefix="nattevakt-pg-", dir="/tmp"))
    cluster = Postgres(folder)
    try:
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
