"""Versions and conditional requests: `ETag: "v7-<hash of the body>"` (RFC 9110 §8.8.3, §13)."""

import re
from hashlib import blake2b
from typing import Any

from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.serialization import encode_json

from api.core.problems import VersionChanged, VersionRequired
from api.core.schemas import Out, Page

_TAGGED = (Out, Page, bytes)
_TAG = re.compile(r'"v(?P<version>[1-9][0-9]{0,8})(-[0-9a-f]+)?"')
"""A body's hash is its reader's: a version stands for itself, as the `version` of a list's item does."""


class Answer(Response[Any]):
    """An answer, JSON or bytes, that names its version, and is 304 to who already holds it."""

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **given: Any) -> ASGIResponse:
        """Encode once, tag what can be tagged, empty what the reader already holds."""
        if isinstance(self.content, _TAGGED):
            version = getattr(self.content, "version", None)
            self.content = self.content if isinstance(self.content, bytes) else encode_json(self.content)
            tag = f'"{f"v{version}-" if version else ""}{blake2b(self.content, digest_size=8).hexdigest()}"'
            self.headers["ETag"] = tag
            if request.method in ("GET", "HEAD") and _holds(request.headers.get("if-none-match", ""), tag):
                self.content, self.status_code = b"", 304
        return super().to_asgi_response(app, request, **given)


def _holds(header: str, tag: str) -> bool:
    return header.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in header.split(","))


def edited_version(request: Request[Any, Any, Any]) -> int:
    """Give the version an edit names by If-Match; raises VersionRequired, VersionChanged."""
    if "if-match" not in request.headers:
        raise VersionRequired
    version = asked_version(request)
    if version is None:
        raise VersionRequired
    return version


def asked_version(request: Request[Any, Any, Any]) -> int | None:
    """Give the version named by If-Match, or None where there is none; raises VersionChanged.

    Of several the newest: versions only grow, so that it alone can be the present one.
    """
    header = request.headers.get("if-match", "*").strip()
    if header == "*":
        return None
    tags = [_TAG.fullmatch(part.strip()) for part in header.split(",")]
    if not any(tags):
        raise VersionChanged
    return max(int(tag["version"]) for tag in tags if tag)
