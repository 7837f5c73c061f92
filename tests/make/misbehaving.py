"""An OpenID provider on loopback that says whatever a test tells it to."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from joserfc.jwk import ECKey

Answer = tuple[int, dict[str, str], bytes]


class Misbehaving:
    """What the provider answers at each path; `asked` are the paths that were asked for."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "own", "use": "sig"}, auto_kid=False)
        self.answers: dict[str, Callable[[], Answer]] = {}
        self.asked: list[str] = []
        self.issuer = ""

    def says(self, path: str, body: Any, status: int = 200, **headers: str) -> None:
        """Answer a path by JSON, or by bytes as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[path] = lambda: (status, headers, raw)

    def dawdles(self, path: str, seconds: float) -> None:
        """Answer a path after a while."""

        def late() -> Answer:
            time.sleep(seconds)
            return 200, {}, b"{}"

        self.answers[path] = late

    def behaves(self) -> None:
        """Answer everything as a provider should, but for the ID token."""
        self.asked.clear()
        self.says("/.well-known/openid-configuration", self.metadata())
        self.says("/jwks", {"keys": [self.key.as_dict(private=False)]})

    def metadata(self, **changed: Any) -> dict[str, Any]:
        """Give the discovery document."""
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
        } | changed


@contextmanager
def misbehaving_provider() -> Iterator[Misbehaving]:
    """Serve a provider on a free port of loopback."""
    provider = Misbehaving()

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            provider.asked.append(self.path)
            status, headers, body = provider.answers.get(self.path, lambda: (404, {}, b""))()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Keep the log for the servers."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    provider.behaves()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
