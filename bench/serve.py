"""The centre as production runs it, for the measurements. Usage: python -m bench.serve CONFIG [without-rules]

Settings, application and server are the product's own; `without-rules` gives the application no rules, which is an
argument of its factory. A line on standard input publishes a change to all live streams, and the moment is printed.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from fastapi import FastAPI

from nattevakt.central import logs
from nattevakt.central.app import create_app
from nattevakt.central.cli import AnnouncingServer, server_settings
from nattevakt.central.clock import ServiceClock
from nattevakt.central.config import load_config
from nattevakt.central.supervision import RULES


def _publish(app: FastAPI) -> None:
    """Each line is "TENANT SEQ": publish it, and say when."""
    for line in sys.stdin:
        tenant_id, seq = line.split()
        print(time.perf_counter(), flush=True)
        app.state.hub.publish(int(tenant_id), int(seq))


def main() -> None:
    """Serve until told to stop."""
    config = load_config(Path(sys.argv[1]))
    logs.set_up("warning")
    app = create_app(config, ServiceClock(), rules=() if "without-rules" in sys.argv else RULES)
    threading.Thread(target=_publish, args=(app,), daemon=True).start()
    AnnouncingServer(server_settings(app, config)).run()


if __name__ == "__main__":
    main()
