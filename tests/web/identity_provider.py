"""Identity providers for tests: a real one as a process, and a forger that signs what it likes."""

import base64
import hashlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.waiting import wait_until

CLIENT_ID = "observatory"


@contextmanager
def identity_provider() -> Iterator[str]:
    """Run oidc-provider-mock on loopback, and yield its issuer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    issuer = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _answers(issuer), "the identity provider")
            yield issuer
        finally:
            process.terminate()


def _answers(issuer: str) -> bool:
    try:
        return requests.get(f"{issuer}/.well-known/openid-configuration", timeout=5).ok
    except requests.ConnectionError:
        return False


class Forger(HTTPServer):
    """Provider that answers with `claims` and signs with `key`, whose public half it may not publish."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ForgerHandler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.published = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key: Any = self.published
        self.algorithm = "RS256"
        self.userinfo = {"sub": "1", "preferred_username": "ada"}
        now = int(time.time())
        self.claims: dict[str, Any] = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "1", "iat": now, "exp": now + 60}
        # Code → the challenge of PKCE that came with its request.
        self.challenges: dict[str, str] = {}

    def answer(self, path: str, form: dict[str, list[str]]) -> Any:
        if path == "/.well-known/openid-configuration":
            names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
            return {"issuer": self.issuer} | {name: f"{self.issuer}/{name}" for name in names}
        if path == "/jwks_uri":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.published.public_key()))
            return {"keys": [{**public, "kid": "1", "alg": "RS256"}]}
        if path == "/userinfo_endpoint":
            return self.userinfo
        verifier = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if self.challenges.pop(form["code"][0], None) != challenge:
            return {"error": "invalid_grant"}
        token = jwt.encode(self.claims, self.key, algorithm=self.algorithm, headers={"kid": "1"})
        return {"access_token": "a", "token_type": "Bearer", "id_token": token}


class _ForgerHandler(BaseHTTPRequestHandler):
    server: Forger

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        content = json.dumps(self.server.answer(urlsplit(self.path).path, parse_qs(body))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def forger() -> Iterator[Forger]:
    with Forger() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
