"""Without the answer that is kept, what was cut and asked again happens again."""

from typing import Any

import pytest

from tests.faults.fleet import fleet_of
from tests.faults.stage import count
from tests.faults.test_cut import cut_after, cut_before
from tests.faults.test_cut import test_asked_again_under_its_key_it_happened_once as asked_again
from tests.make.clone import cloned, reaching
from tests.make.processes import processes

_FORGOTTEN = """
    CREATE FUNCTION forget_answer() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'
"""
_UNKEPT = """
    CREATE TRIGGER idempotency_key_unkept BEFORE INSERT ON idempotency_key FOR EACH ROW EXECUTE FUNCTION forget_answer()
"""


@pytest.mark.parametrize("cut", [cut_before, cut_after])
async def test_without_the_kept_answer_it_happens_again(environment: dict[str, str], cut: Any) -> None:
    async with cloned(environment, _FORGOTTEN, _UNKEPT) as settings:
        copied = environment | reaching(settings)
        with processes(copied) as started:
            async with fleet_of(started, copied) as fleet:
                before = await count("SELECT count(*) FROM message")
                for name in ("apply", "accept", "write"):
                    with pytest.raises(AssertionError):
                        await asked_again(fleet, copied, name, cut)
                assert await count("SELECT count(*) FROM message") > before + 1
