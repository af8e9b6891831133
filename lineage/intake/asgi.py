"""The intake under an asynchronous server: stands in front of Django's handler and passes all other paths on."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connection

from lineage.intake.answers import Answer, Rejection
from lineage.intake.exchange import Exchange, Head
from lineage.intake.routes import target_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

T = TypeVar("T")

# Each thread takes a connection from the pool while it works.
THREADS = 8


class _Disconnected(Exception):
    """The client went away before its body was whole: there is nobody to answer."""


class IntakeInFront:
    def __init__(self, application: Application) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="intake")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = target_of(scope["path"]) if scope["type"] == "http" else None
        if target is None:
            await self._application(scope, receive, send)
            return
        try:
            answer = await self._answer(Exchange(target, _head(scope)), receive)
        except _Disconnected:
            return
        await _send(answer, send)

    async def _answer(self, exchange: Exchange, receive: Receive) -> Answer:
        answer = await self._in_thread(exchange.begin)
        if answer is not None:
            return answer
        try:
            await _read(exchange, receive)
        except Rejection as rejection:
            return await self._in_thread(exchange.refuse, rejection)
        return await self._in_thread(exchange.finish)

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _pooled, function, *arguments)


def _pooled(function: Callable[..., T], *arguments: Any) -> T:
    try:
        return function(*arguments)
    finally:
        # Gives the connection back to the pool; one that broke is replaced there.
        connection.close()


def _head(scope: Scope) -> Head:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    return Head(
        method=scope["method"],
        authorization=headers.get(b"authorization"),
        content_encoding=headers.get(b"content-encoding"),
        content_length=headers.get(b"content-length"),
    )


async def _read(exchange: Exchange, receive: Receive) -> None:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        exchange.body.add(message.get("body", b""))
        more = message.get("more_body", False)


async def _send(answer: Answer, send: Send) -> None:
    body = answer.body
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
