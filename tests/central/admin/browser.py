"""One browser within the process that asks for pages of the ward's evening. Tests only."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import FastAPI

from nattevakt.central.admin import routes
from tests.central.admin.evening import Evening


def ask(evening: Evening, path: str, lang: str = "") -> httpx.Response:
    """One request with the evening's cookies."""
    app = FastAPI(openapi_url=None)
    app.state.db, app.state.clock = evening.db, evening.clock
    app.include_router(routes.router)
    cookies = {**evening.cookies, **({"lang": lang} if lang else {})}
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://centre") as http:
            return await http.get(path, headers=headers)

    return asyncio.run(get())
