"""A tablet without a screen: enrols, reads snapshots and acts over HTTP, as the page does."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Mapping
from typing import Any


class Answer:
    """Status and parsed body of one reply."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        self.status = status
        self.body = body
        self.headers = headers


class HttpTablet:
    """One enrolled tablet on 127.0.0.1:port."""

    def __init__(self, port: int, code: str) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        answer = self.call("POST", "/tablet/enrol", {"code": code})
        assert answer.status in (200, 204, 303), answer.body

    def call(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request; cookies are kept."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {
            "Content-Type": "application/json",
            "Sec-Fetch-Site": "same-origin",
            "Cookie": "; ".join(f"{key}={value}" for key, value in self.cookies.items()),
            **(headers or {}),
        }
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            reply = connection.getresponse()
            raw = reply.read()
        finally:
            connection.close()
        for key, value in reply.getheaders():
            if key.lower() == "set-cookie":
                cookie, _, content = value.split(";")[0].partition("=")
                self.cookies[cookie] = content
        kind = reply.getheader("Content-Type") or ""
        parsed = json.loads(raw) if raw and "json" in kind else raw.decode("utf-8", "replace")
        return Answer(reply.status, parsed, dict(reply.getheaders()))

    def log_in(self, staff: object, pin: str) -> None:
        """Say who holds the tablet."""
        answer = self.call("POST", "/tablet/person", {"staff": staff, "pin": pin})
        assert answer.status in (200, 204), answer.body

    def snapshot(self) -> dict[str, Any]:
        """What the board shows."""
        answer = self.call("GET", "/tablet/snapshot")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.body
        return found

    def act(self, alarm_id: int, verb: str, body: Mapping[str, object] | None = None) -> Answer:
        """take, on-way, on-site or close."""
        return self.call(
            "POST", f"/tablet/alarms/{alarm_id}/{verb}", dict(body or {}), {"Idempotency-Key": str(uuid.uuid4())}
        )
