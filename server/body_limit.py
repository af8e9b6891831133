"""Limit on the bodies of requests to Django. They come from forms, and have some kilobytes.

Django writes a body to the disk while it arrives, and checks its size only afterwards.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]


class LimitedBodies:
    """ASGI application that answers 413 as soon as a body exceeds `limit` bytes.

    The application behind it then receives a disconnect.
    """

    def __init__(self, application: Application, limit: int) -> None:
        self._application = application
        self._limit = limit

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _announced_bytes(scope) > self._limit:
            await self._refuse(send)
            return
        size, refused = 0, False

        async def receive_limited() -> Message:
            nonlocal size, refused
            message = {"type": "http.disconnect"} if refused else await receive()
            size += len(message.get("body", b""))
            if size > self._limit and not refused:
                refused = True
                await self._refuse(send)
                return {"type": "http.disconnect"}
            return message

        async def send_once(message: Message) -> None:
            if not refused:
                await send(message)

        await self._application(scope, receive_limited, send_once)

    async def _refuse(self, send: Send) -> None:
        message = f"The body is larger than {self._limit} bytes."
        body = json.dumps({"error": {"code": "body_too_large", "message": message, "detail": None}}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _announced_bytes(scope: MutableMapping[str, Any]) -> int:
    """Return the Content-Length; 0 if there is none, since the body is counted then."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0
