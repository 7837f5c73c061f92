"""Secrets: the first signs and seals, all of them verify and unseal, each purpose for itself."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.core import signing
from api.core.signing import holds, seal, sign, stale, trust, unseal

OLD, NEW = "a" * 32, "b" * 32
TEXTS = st.text(st.characters(codec="utf-8"), max_size=300)


@pytest.fixture(autouse=True)
def secrets() -> Iterator[None]:
    before = signing._secrets
    trust((OLD,))
    yield
    trust(before)


@given(st.binary(max_size=200), st.text(max_size=20), st.data())
def test_a_signature_holds_for_its_data_and_purpose_alone(
    raw: bytes, purpose: str, data: st.DataObject
) -> None:
    signature = sign(purpose, raw)
    assert holds(purpose, signature, raw)
    assert not holds(purpose, signature, raw + b"x")
    assert not holds(purpose + "x", signature, raw)
    forged = bytearray(signature)
    forged[data.draw(st.integers(0, 31))] ^= data.draw(st.integers(1, 255))
    assert not holds(purpose, bytes(forged), raw)
    assert not holds(purpose, signature[: data.draw(st.integers(0, 31))], raw)


@given(TEXTS)
def test_what_is_sealed_comes_back(text: str) -> None:
    sealed = seal("idp", text)
    assert unseal("idp", sealed) == text
    assert seal("idp", text) != sealed


@given(TEXTS, st.data())
def test_a_seal_opens_whole_and_for_its_purpose_alone(text: str, data: st.DataObject) -> None:
    sealed = seal("idp", text)
    with pytest.raises(ValueError, match="none"):
        unseal("cookie", sealed)
    parts = sealed.split(".")
    which = data.draw(st.sampled_from([index for index, part in enumerate(parts) if part]))
    raw = bytearray(urlsafe_b64decode(parts[which] + "=" * (-len(parts[which]) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    parts[which] = urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    with pytest.raises(ValueError, match="none"):
        unseal("idp", ".".join(parts))


@given(st.text(max_size=100) | st.lists(st.text('eyJ{}:"ab-_=é', max_size=20), max_size=6).map(".".join))
def test_what_was_never_sealed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="none"):
        unseal("idp", text)


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"{}",
        b"null",
        b'{"alg":"none","enc":"A256GCM"}',
        b'{"alg":["dir"],"enc":"A256GCM"}',
        b'{"alg":"dir","enc":{}}',
        b'{"alg":"dir","enc":"A128GCM"}',
        b'{"alg":"dir","enc":"A256GCM","zip":"DEF"}',
        b'{"alg":"dir","enc":"A256GCM","crit":1}',
        b"\xff",
    ],
)
def test_a_hostile_header_opens_nothing(header: bytes) -> None:
    rest = seal("idp", "secret").partition(".")[2]
    with pytest.raises(ValueError, match="none"):
        unseal("idp", f"{urlsafe_b64encode(header).rstrip(b'=').decode()}.{rest}")


def test_the_first_secret_works_and_the_others_are_still_believed() -> None:
    signature, sealed = sign("cursor", b"data"), seal("idp", "secret")
    trust((NEW, OLD))
    assert sign("cursor", b"data") != signature
    assert holds("cursor", signature, b"data")
    assert unseal("idp", sealed) == "secret"
    assert stale("idp", sealed)
    assert not stale("idp", seal("idp", "secret"))
    trust((NEW,))
    assert not holds("cursor", signature, b"data")
    with pytest.raises(ValueError, match="none"):
        unseal("idp", sealed)
    assert stale("idp", sealed)
