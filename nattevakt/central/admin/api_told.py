"""What the OpenAPI document says of the routes for who leads a ward. Serves arrow 9.

Owns their answers' meaning and how they are asked. Must not know what a route does.
"""

from __future__ import annotations

from typing import Any

from nattevakt.central.admin.api_bodies import EXAMPLES, SCHEMAS

SECURITY: list[dict[str, list[str]]] = [{"tablet": [], "person": []}]
_PROBLEM = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("error", "field", "reason", "message")},
}
_STATUSES = {
    401: "No enrolled tablet, or nobody is logged in on it",
    403: "Not a ward's lead, or of another ward",
    404: "No such resident, or no such ward, alarm or test of the lead's",
    409: "Somebody has saved meanwhile: names who and when",
    415: "Wrong media type",
    422: "Cannot be: names the field and says what to do",
    503: "Another plan is being tried, or no database: come again",
}


def told(body: type | None = None) -> dict[str, Any]:
    """What is said of a route. body: what it takes."""
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": said, "content": {"application/json": {"schema": _PROBLEM}}}
        for status, said in _STATUSES.items()
    }
    responses[200] = {"description": "As asked"}
    extra: dict[str, Any] = {"security": SECURITY}
    if body is not None:
        content = {"schema": SCHEMAS[body], "example": EXAMPLES[body]}
        extra["requestBody"] = {"required": True, "content": {"application/json": content}}
    return {"responses": responses, "openapi_extra": extra}
