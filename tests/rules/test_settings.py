"""Settings: what is missing or wrong is named by its variable, before anything starts."""

import msgspec
import pytest
from limits import parse

from api.core.settings import BadSettings, Settings, read_settings

GOOD = {
    "MAILLON_DATABASE_URL": "postgresql://maillon_app@/maillon",
    "MAILLON_REDIS_URL": "redis://127.0.0.1:6379/0",
    "MAILLON_SMTP_URL": "smtp://127.0.0.1:25",
    "MAILLON_SECRETS": "x" * 32,
}


def test_what_must_be_said_is_enough() -> None:
    settings = read_settings(GOOD)
    assert settings.database_url == GOOD["MAILLON_DATABASE_URL"]
    assert settings.secrets == ("x" * 32,)
    assert settings.development is False


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read_settings({key: value for key, value in GOOD.items() if key != name})


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(BadSettings) as refused:
        read_settings({})
    assert all(name in str(refused.value) for name in GOOD)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MAILLON_DATABASE_URL", "localhost"),
        ("MAILLON_DATABASE_URL", ""),
        ("MAILLON_REDIS_URL", "redis:"),
        ("MAILLON_REDIS_URL", "http://127.0.0.1"),
        ("MAILLON_SECRETS", "short"),
        ("MAILLON_SECRETS", ""),
        ("MAILLON_SECRETS", f"{'x' * 32},short"),
        ("MAILLON_POOL_SIZE", "0"),
        ("MAILLON_POOL_SIZE", "many"),
        ("MAILLON_POOL_SIZE", "1.5"),
        ("MAILLON_JOB_TIMEOUT_SECONDS", "21"),
        ("MAILLON_RELAY_INTERVAL_SECONDS", "0"),
        ("MAILLON_DEVELOPMENT", "perhaps"),
        ("MAILLON_METRICS_TOKEN", "short"),
        ("MAILLON_CALLER_LIMIT", "many"),
        ("MAILLON_CALLER_LIMIT", "0/minute"),
        ("MAILLON_CALLER_LIMIT", "10/second;100/minute"),
        ("MAILLON_NETWORK_LIMIT", "10/fortnight"),
        ("MAILLON_NETWORK_LIMIT", "-1/minute"),
    ],
)
def test_a_wrong_variable_is_named(name: str, text: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read_settings(GOOD | {name: text})


def test_a_secret_is_never_told() -> None:
    with pytest.raises(BadSettings) as refused:
        read_settings(GOOD | {"MAILLON_SECRETS": "canary"})
    assert "canary" not in str(refused.value)


def test_other_variables_are_ignored() -> None:
    others = {"MAILLON_UNKNOWN": "1", "MAILLON_DEV_DATA": "x", "PATH": "/bin", "maillon_pool_size": "0"}
    assert read_settings(GOOD | others) == read_settings(GOOD)


def test_several_secrets_are_a_list_whose_first_signs() -> None:
    settings = read_settings(GOOD | {"MAILLON_SECRETS": f"{'a' * 32},{'b' * 32}"})
    assert settings.secrets == ("a" * 32, "b" * 32)


@pytest.mark.parametrize("text", ["true", "1", "TRUE"])
def test_development_is_said_in_plain_words(text: str) -> None:
    assert read_settings(GOOD | {"MAILLON_DEVELOPMENT": text}).development


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [("10/minute", 10, 60), ("99999/second", 99_999, 1), ("5/20 second", 5, 20), ("7/hour", 7, 3600)],
)
def test_a_rate_is_read_as_it_is_written(text: str, amount: int, seconds: int) -> None:
    settings = read_settings(GOOD | {"MAILLON_CALLER_LIMIT": text, "MAILLON_NETWORK_LIMIT": text})
    assert settings.caller_limit == settings.network_limit == text
    rate = parse(text)
    assert (rate.amount, rate.get_expiry()) == (amount, seconds)


def test_every_setting_can_be_given() -> None:
    defaults = msgspec.to_builtins(read_settings(GOOD))
    given = {
        f"MAILLON_{name.upper()}": ",".join(value)
        if isinstance(value, list | tuple)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for name, value in defaults.items()
        if value not in (None, [], ())
    }
    assert read_settings(GOOD | given) == read_settings(GOOD)
    assert set(defaults) == set(Settings.__struct_fields__)
