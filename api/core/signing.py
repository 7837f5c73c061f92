"""The one place that knows MAILLON_SECRETS: the first signs and seals, all of them verify and unseal."""

import hmac
import secrets
from collections.abc import Iterator
from functools import lru_cache

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_HEADER = {"alg": "dir", "enc": "A256GCM"}
_ALGORITHMS = list(_HEADER.values())

_secrets: tuple[str, ...] = ()


def new_secret() -> str:
    """Give a new random secret of 64 characters."""
    return secrets.token_urlsafe(48)


def trust(trusted: tuple[str, ...]) -> None:
    """Take the secrets, at least one, for this process."""
    global _secrets  # noqa: PLW0603
    _secrets = trusted


def sign(purpose: str, data: bytes) -> bytes:
    """Give the signature of the data by the first secret: 32 bytes, good for this purpose alone (RFC 2104)."""
    return _sign(_secrets[0], purpose, data)


def holds(purpose: str, signature: bytes, data: bytes) -> bool:
    """Tell whether one of the secrets signed the data for this purpose."""
    return any(hmac.compare_digest(signature, _sign(secret, purpose, data)) for secret in _secrets)


def seal(purpose: str, text: str) -> str:
    """Give a text of 64 kB at most, encrypted under the first secret for this purpose alone (RFC 7516)."""
    return jwe.encrypt_compact(_HEADER, text.encode(), _sealing_key(_secrets[0], purpose), _ALGORITHMS)


def unseal(purpose: str, text: str) -> str:
    """Give back what one of the secrets sealed for this purpose; raises ValueError."""
    for opened in _opened(_secrets, purpose, text):
        return opened
    raise ValueError("sealed by none of the secrets")


def stale(purpose: str, text: str) -> bool:
    """Tell whether the first secret is not what sealed the text, so that it is to be sealed anew."""
    return not any(True for _ in _opened(_secrets[:1], purpose, text))


def _opened(trusted: tuple[str, ...], purpose: str, text: str) -> Iterator[str]:
    for secret in trusted:
        try:
            opened = jwe.decrypt_compact(text, _sealing_key(secret, purpose), _ALGORITHMS)
        except (JoseError, ValueError, TypeError):  # joserfc lets some headers through to a TypeError
            continue
        yield (opened.plaintext or b"").decode()


def _sign(secret: str, purpose: str, data: bytes) -> bytes:
    return hmac.digest(_derived(secret, f"sign {purpose}"), data, "sha256")


def _sealing_key(secret: str, purpose: str) -> OctKey:
    return OctKey.import_key(_derived(secret, f"seal {purpose}"))


@lru_cache(maxsize=64)
def _derived(secret: str, use: str) -> bytes:
    """Give 32 bytes for one use of a secret: what one use gives away tells nothing of another (RFC 5869)."""
    return hmac.digest(secret.encode(), use.encode(), "sha256")
