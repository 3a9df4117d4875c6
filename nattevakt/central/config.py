"""The centre's settings: one frozen value, read once. Serves every arrow of the centre.

Owns the names, defaults and bounds of the settings file (TOML). Must not know who uses them. Secrets live in
files of their own and are named by `*_file` keys; an unknown key or impossible value names itself.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from nattevakt.central.config_channels import CHANNEL_READERS, PushConfig, SmsConfig, WebhookConfig, make_roads
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import record

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """Where the rows live. url: SQLAlchemy's form, sqlite or postgresql. url_file: a file that holds it instead."""

    url: str = ""
    url_file: str = ""
    pool_size: int = 12


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """Where the service listens. nginx with TLS stands in front of it in production."""

    host: str = "127.0.0.1"
    port: int = 8000


@dataclass(frozen=True, slots=True)
class TabletConfig:
    """heartbeat_s: seconds between two signs of life on a tablet's live stream."""

    heartbeat_s: float = 5.0


@dataclass(frozen=True, slots=True)
class SweepConfig:
    """interval_s: seconds between two sweeps. late_s: the age at which the service says it is not ready."""

    interval_s: float = 5.0
    late_s: float = 30.0


@dataclass(frozen=True, slots=True)
class AlarmsConfig:
    """taken_limit_min: so many minutes after somebody took an alarm it rings again, where nobody is on site by then and
    nothing was promised. What is about the installation and of low priority waits for the next change of shift."""

    taken_limit_min: int = 10


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """valid_days: so many days a test of the whole way from gateway to tap counts; an older one is red."""

    valid_days: int = 30


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """token_file: a file with the bearer token for /metrics; without it only this machine may read them."""

    token_file: str = ""


@dataclass(frozen=True, slots=True)
class CentralConfig:
    """All settings of the centre."""

    database: DatabaseConfig = field(default_factory=DatabaseConfig)
    http: HttpConfig = field(default_factory=HttpConfig)
    tablet: TabletConfig = field(default_factory=TabletConfig)
    sweep: SweepConfig = field(default_factory=SweepConfig)
    alarms: AlarmsConfig = field(default_factory=AlarmsConfig)
    chain: ChainConfig = field(default_factory=ChainConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    sms: SmsConfig = field(default_factory=SmsConfig)
    push: PushConfig = field(default_factory=PushConfig)
    webhooks: tuple[WebhookConfig, ...] = ()
    log_level: str = "info"

    @property
    def database_url(self) -> str:
        """The database's URL, wherever it was given."""
        return self.database.url

    @property
    def metrics_token(self) -> str:
        """The bearer token for /metrics, "" for none."""
        return _secret(self.metrics.token_file, "metrics.token_file") if self.metrics.token_file else ""


_read = record(
    CentralConfig,
    {
        "database": record(DatabaseConfig, closed=True),
        "http": record(HttpConfig, closed=True),
        "tablet": record(TabletConfig, closed=True),
        "sweep": record(SweepConfig, closed=True),
        "alarms": record(AlarmsConfig, closed=True),
        "chain": record(ChainConfig, closed=True),
        "metrics": record(MetricsConfig, closed=True),
        **CHANNEL_READERS,
    },
    closed=True,
)


def load_config(path: Path) -> CentralConfig:
    """Read and check a settings file. Raises RejectError naming the key that is wrong."""
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        raise RejectError(str(path), f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RejectError(str(path), f"not TOML: {error}") from None
    config: CentralConfig = _read(found, "config")
    return checked(config)


def checked(config: CentralConfig) -> CentralConfig:
    """The same settings with the database URL filled in, or RejectError for an impossible value."""
    database = config.database
    if bool(database.url) == bool(database.url_file):
        raise RejectError("config.database.url", "give either url or url_file")
    url = database.url or _secret(database.url_file, "config.database.url_file")
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        raise RejectError("config.database.url", "is not a database URL") from None
    if backend not in ("sqlite", "postgresql"):
        raise RejectError("config.database.url", "must begin with sqlite: or postgresql:")
    _within("config.database.pool_size", database.pool_size, 2, 200)
    _within("config.http.port", config.http.port, 0, 65_535)
    _within("config.tablet.heartbeat_s", config.tablet.heartbeat_s, 0.05, 15)
    _within("config.sweep.interval_s", config.sweep.interval_s, 0.05, 15)
    _within("config.sweep.late_s", config.sweep.late_s, config.sweep.interval_s, 120)
    _within("config.alarms.taken_limit_min", config.alarms.taken_limit_min, 2, 60)
    _within("config.chain.valid_days", config.chain.valid_days, 1, 366)
    if config.log_level not in LOG_LEVELS:
        raise RejectError("config.log_level", "must be one of " + ", ".join(LOG_LEVELS))
    make_roads(config.sms, config.push, config.webhooks, lambda: 0.0, bytes).close()
    return replace(config, database=DatabaseConfig(url=url, pool_size=database.pool_size))


def _within(key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise RejectError(key, f"must be from {low:g} to {high:g}")


def _secret(path: str, key: str) -> str:
    try:
        found = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise RejectError(key, f"cannot read {path}") from None
    if not found:
        raise RejectError(key, f"{path} is empty")
    return found
