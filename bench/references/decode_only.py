"""Reference: upper limit of any intake under this server. It decodes the event as the product does, and answers.

It checks no API key, and stores nothing.
"""

from bench.references.http import Receive, Send, answer, read_body
from lineage.events import decode_event


async def application(scope: dict[str, str], receive: Receive, send: Send) -> None:
    if scope["method"] != "POST":
        await answer(send, 405)
        return
    decode_event(await read_body(receive))
    await answer(send, 201)
