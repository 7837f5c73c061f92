"""A small identity provider for development: discovery and keys over HTTP, tokens from the command line."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from api.dev.folders import write_private
from api.dev.processes import free_port, require_free_port

AUDIENCE = "maillon"
KEY_FILE = "issuer.json"
PORT_FILE = "issuer.port"


def signing_key(data: Path) -> ECKey:
    """Give the provider's key, kept in the data folder so that tokens survive a restart."""
    file = data / KEY_FILE
    if not file.exists():
        key = ECKey.generate_key("P-256", {"kid": "development", "use": "sig"}, auto_kid=False)
        write_private(file, json.dumps(key.as_dict(private=True)).encode())
    return ECKey.import_key(json.loads(file.read_text()))


def mint(key: ECKey, issuer: str, subject: str, *, lifetime: int = 43_200, **claims: Any) -> str:
    """Give a token of a subject, as a company's own provider would."""
    now = int(time.time())
    header = {"alg": "ES256", "kid": key.kid, "typ": "JWT"}
    payload = {"iss": issuer, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + lifetime} | claims
    return jwt.encode(header, payload, key)


@contextmanager
def issuer(data: Path) -> Iterator[str]:
    """Serve the discovery document and the public keys on loopback; yields the issuer's address.

    Any path below the address is an issuer of its own, so that each company may have one; the port is
    kept in the data folder, since companies register the address.
    """
    kept = data / PORT_FILE
    port = int(kept.read_text()) if kept.exists() else free_port()
    require_free_port(port, "The development identity provider")
    server = ThreadingHTTPServer(("127.0.0.1", port), _answering(signing_key(data)))
    write_private(kept, str(port).encode())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answering(key: ECKey) -> type[BaseHTTPRequestHandler]:
    keys = {"keys": [key.as_dict(private=False)]}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = f"http://{self.headers['Host']}"
            name, _, what = self.path.rpartition("/.well-known/")
            if what == "openid-configuration":
                self._send({"issuer": host + name, "jwks_uri": f"{host}{name}/.well-known/jwks.json"})
            elif what == "jwks.json":
                self._send(keys)
            else:
                self.send_error(404)

        def _send(self, body: object) -> None:
            text = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Keep the log for the servers."""

    return Answer
