"""An authenticator app, as RFC 6238 describes it."""

import base64
import hmac
import time


def code_of(secret: str, *, periods: int = 0) -> str:
    """Return what an authenticator app shows now, or `periods` of 30 s later. One later is accepted, too."""
    counter = (int(time.time()) // 30 + periods).to_bytes(8)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    offset = digest[-1] & 0xF
    return f"{(int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF) % 10**6:06}"
