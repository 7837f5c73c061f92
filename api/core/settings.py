"""Settings, all of them from `MAILLON_*` variables; only entry points read the environment."""

import re
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

Network = Annotated[str, Meta(pattern=r"^[0-9a-fA-F.:]+/[0-9]{1,3}$")]
Rate = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,4}/([1-9][0-9]{0,2} )?(second|minute|hour)$")]
RedisUrl = Annotated[str, Meta(pattern=r"^(rediss?|unix)://\S+$", max_length=2000)]
Url = Annotated[str, Meta(pattern=r"^[a-z+]+://\S+$", max_length=2000)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may set; the README's table lists each with its default."""

    database_url: Url
    database_owner_url: Url | None = None
    database_ops_url: Url | None = None
    redis_url: RedisUrl
    smtp_url: Url
    secrets: Annotated[tuple[Annotated[str, Meta(min_length=32)], ...], Meta(min_length=1)]
    public_url: Url = "http://127.0.0.1:8000"
    mail_from: str = "Maillon <maillon@localhost>"
    mail_domain_interval_ms: Annotated[int, Meta(ge=0, le=60_000)] = 100
    mail_timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 15.0
    mail_retry_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 60.0
    mail_give_up_hours: Annotated[int, Meta(ge=1, le=240)] = 48
    metrics_token: Annotated[str, Meta(min_length=16)] | None = None
    caller_limit: Rate = "1800/minute"
    network_limit: Rate = "6000/minute"
    pool_size: Annotated[int, Meta(ge=1, le=200)] = 10
    job_timeout_seconds: Annotated[int, Meta(ge=1, le=20)] = 20
    job_concurrency: Annotated[int, Meta(ge=1, le=100)] = 10
    relay_interval_seconds: Annotated[float, Meta(gt=0, le=60)] = 0.2
    sweep_after_seconds: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    private_networks: tuple[Network, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    development: bool = False


class BadSettings(Exception):
    """Settings are missing or wrong; the message names the variable and what it takes."""


PREFIX = "MAILLON_"
LISTS = frozenset({"secrets", "private_networks", "trusted_proxies"})
"""Given as one text, separated by commas."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from an environment; raises BadSettings naming the variable at fault."""
    known = {f"{PREFIX}{field}".upper(): field for field in Settings.__struct_fields__}
    given: dict[str, object] = {known[name]: text for name, text in environment.items() if name in known}
    for name in LISTS & given.keys():
        given[name] = [part.strip() for part in str(given[name]).split(",") if part.strip()]
    missing = [
        name
        for name, field in known.items()
        if field in ("database_url", "redis_url", "smtp_url", "secrets") and field not in given
    ]
    if missing:
        raise BadSettings(f"Set {', '.join(missing)} (see the settings table of the README).")
    try:
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        what, _, field = str(error).partition(" - at `$.")
        name = f"{PREFIX}{re.split(r'[^a-z_]', field, maxsplit=1)[0]}".upper()
        raise BadSettings(f"{name} is wrong: {what}.") from None
