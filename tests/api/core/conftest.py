import io
import sys
from collections.abc import Iterator

import pytest
import structlog

from api.core import audit, edge, errors, log
from api.notifications import delivery
from tests.make.commands import logs_restored
from workers import runner, schedule


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    """What the API and the worker log with the configuration of production."""
    captured = io.BytesIO()
    screen = io.TextIOWrapper(
        captured
    )  # held here: whoever drops the last reference closes what it writes to
    with logs_restored(), monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", screen)
        log.configure()
        for module in (edge, errors, audit, delivery, runner, schedule):
            # A logger that was used before keeps the configuration of that time.
            patch.setattr(module, "log", structlog.get_logger())
        yield captured
