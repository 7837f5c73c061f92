"""What becomes of one mail, whatever its SMTP server does."""

import asyncio
import itertools
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from api.core import clock
from api.core.ids import new_id
from api.core.settings import Settings
from api.notifications.delivery import deliver, doubt_stuck_mails
from api.notifications.kinds import KINDS
from api.notifications.operators import mails_in_doubt, resend, settle
from tests.faults.stage import (
    NEWS,
    Behaviour,
    Drop,
    SmtpServer,
    count,
    mail_row,
    make_people,
    row_of,
    tell,
    well,
)


async def one_mail() -> UUID:
    return (await tell(await make_people(1)))[0]


def fails_at(where: str, answer: str, times: int = 99) -> Behaviour:
    async def behaviour(stage: str, recipient: str, attempt: int) -> str:
        if stage == where and attempt <= times:
            if answer == "drop":
                raise Drop
            if answer == "silence":
                await asyncio.sleep(3)
            return answer
        return await well(stage, recipient, attempt)

    return behaviour


async def test_a_mail_leaves_once_with_a_stable_message_id(settings: Settings, smtp: SmtpServer) -> None:
    mail_id = await one_mail()
    assert await deliver(mail_id, settings) is None
    assert await deliver(mail_id, settings) is None
    (message,) = smtp.received
    assert message["Message-ID"] == f"<{mail_id}@localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"] == "Votre mission «\u00a0Le site\u00a0» est publiée"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    mail = await mail_row(mail_id)
    assert (mail["state"], mail["reply"], mail["attempts"]) == ("sent", "250", 1)


@pytest.mark.parametrize("where", ["greet", "mail", "rcpt"])
@pytest.mark.parametrize("answer", ["421 later", "drop", "silence"])
async def test_before_data_a_trouble_that_passes_puts_off(
    where: str, answer: str, settings: Settings, smtp: SmtpServer
) -> None:
    smtp.behaviour = fails_at(where, answer)
    mail_id = await one_mail()
    again = await deliver(mail_id, settings)
    mail = await mail_row(mail_id)
    assert again is not None
    assert (mail["state"], mail["not_before"]) == ("pending", again)
    smtp.behaviour = well
    with clock.at(again):
        assert await deliver(mail_id, settings) is None
    assert (await mail_row(mail_id))["state"] == "sent"
    assert len(smtp.received) == 1


@pytest.mark.parametrize("where", ["mail", "rcpt", "data", "end"])
async def test_a_permanent_refusal_fails_with_the_code_alone(
    where: str, settings: Settings, smtp: SmtpServer
) -> None:
    smtp.behaviour = fails_at(where, "550 no such person as zoe@example.org")
    mail_id = await one_mail()
    assert await deliver(mail_id, settings) is None
    mail = await mail_row(mail_id)
    assert (mail["state"], mail["reply"]) == ("failed", "550")
    assert mail["finished_at"] is not None


@pytest.mark.parametrize("where", ["data", "end"])
async def test_a_temporary_refusal_of_the_mail_itself_is_tried_again(
    where: str, settings: Settings, smtp: SmtpServer
) -> None:
    smtp.behaviour = fails_at(where, "452 full", times=1)
    mail_id = await one_mail()
    again = await deliver(mail_id, settings)
    assert again is not None
    assert (await mail_row(mail_id))["reply"] == "452"
    with clock.at(again):
        assert await deliver(mail_id, settings) is None
    mail = await mail_row(mail_id)
    assert (mail["state"], mail["attempts"]) == ("sent", 2)


@pytest.mark.parametrize("answer", ["drop", "silence", "nonsense"])
@pytest.mark.parametrize("where", ["data", "end"])
async def test_without_a_clear_answer_after_data_the_fate_is_unknown(
    where: str, answer: str, settings: Settings, smtp: SmtpServer
) -> None:
    smtp.behaviour = fails_at(where, answer)
    mail_id = await one_mail()
    assert await deliver(mail_id, settings) is None
    assert (await mail_row(mail_id))["state"] == "unknown"
    smtp.behaviour = well
    assert await deliver(mail_id, settings) is None
    assert len(smtp.received) == (where == "end")
    assert mail_id in [mail.id for mail in await mails_in_doubt()]


async def test_a_server_away_is_waited_for_longer_and_longer_then_given_up(settings: Settings) -> None:
    settings = msgspec.structs.replace(settings, smtp_url="smtp://127.0.0.1:1", mail_retry_seconds=1000.0)
    mail_id = await one_mail()
    now, pauses = clock.now(), []
    for _ in range(60):
        with clock.at(now):
            again = await deliver(mail_id, settings)
        if again is None:
            break
        pauses.append((again - now).total_seconds())
        now = again
    assert pauses[:3] == [1000.0, 2000.0, 3600.0]
    assert 47 * 3600 < sum(pauses) < 50 * 3600
    mail = await mail_row(mail_id)
    assert (mail["state"], mail["reply"]) == ("failed", "too late")


async def test_mails_to_one_domain_leave_one_slot_after_another(settings: Settings, smtp: SmtpServer) -> None:
    settings = msgspec.structs.replace(settings, mail_domain_interval_ms=1000)
    mails = await tell(await make_people(4, domain=str(new_id())))
    async with asyncio.timeout(10):
        waits = await asyncio.gather(*(deliver(mail_id, settings) for mail_id in mails))
    assert sum(wait is None for wait in waits) == 1
    slots = sorted(wait for wait in waits if wait)
    gaps = {after - before for before, after in itertools.pairwise(slots)}
    assert gaps == {timedelta(seconds=1)}
    assert len(smtp.received) == 1
    asked_again = await asyncio.gather(*(deliver(mail_id, settings) for mail_id in mails))
    assert sorted(wait for wait in asked_again if wait) == slots
    with clock.at(slots[0]):
        await asyncio.gather(*(deliver(mail_id, settings) for mail_id in mails))
    assert len(smtp.received) == 2


async def test_two_workers_with_one_mail_send_it_once(settings: Settings, smtp: SmtpServer) -> None:
    mail_id = await one_mail()
    await asyncio.gather(*(deliver(mail_id, settings) for _ in range(5)))
    assert len(smtp.received) == 1
    assert (await mail_row(mail_id))["state"] == "sent"


async def test_a_job_cancelled_during_data_still_learns_the_answer(
    settings: Settings, smtp: SmtpServer
) -> None:
    arrived = asyncio.Event()

    async def slow(stage: str, recipient: str, attempt: int) -> str:
        if stage == "end":
            arrived.set()
            await asyncio.sleep(0.3)
        return await well(stage, recipient, attempt)

    smtp.behaviour = slow
    mail_id = await one_mail()
    job = asyncio.create_task(deliver(mail_id, settings))
    await arrived.wait()
    job.cancel()
    await asyncio.sleep(0.05)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert (await mail_row(mail_id))["state"] == "sent"


async def test_an_old_attempt_is_put_in_doubt_and_a_late_answer_still_settles_it(
    settings: Settings, smtp: SmtpServer
) -> None:
    mail_id = await one_mail()

    async def as_time_passes(stage: str, recipient: str, attempt: int) -> str:
        if stage == "end":
            assert await doubt_stuck_mails(settings) == 0
            with clock.at(clock.now() + timedelta(seconds=32)):
                assert await doubt_stuck_mails(settings) == 1
            assert (await mail_row(mail_id))["state"] == "unknown"
        return await well(stage, recipient, attempt)

    smtp.behaviour = as_time_passes
    assert await deliver(mail_id, settings) is None
    assert (await mail_row(mail_id))["state"] == "sent"


async def test_a_kind_whose_lack_locks_out_is_sent_once_more_and_no_more(
    settings: Settings, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, NEWS.kind, "resend")
    smtp.behaviour = fails_at("end", "drop")
    mail_id = await one_mail()
    for _ in range(3):
        assert await deliver(mail_id, settings) is None
    assert len(smtp.received) == 2
    assert set(smtp.ids) == {f"<{mail_id}@localhost>"}
    assert (await mail_row(mail_id))["state"] == "unknown"
    assert await queued(mail_id) == 2


async def queued(mail_id: UUID) -> int:
    return await count(
        "SELECT count(*) FROM outbox WHERE fact = 'MailQueued' AND position($1 IN payload) > 0",
        str(mail_id).encode(),
    )


async def test_an_operator_settles_or_resends_what_is_in_doubt(settings: Settings, smtp: SmtpServer) -> None:
    smtp.behaviour = fails_at("end", "drop")
    first, second = await one_mail(), await one_mail()
    for mail_id in (first, second):
        await deliver(mail_id, settings)
    assert await settle(first, "sent")
    assert not await settle(first, "failed")
    assert not await resend(first)
    assert (await mail_row(first))["state"] == "sent"
    smtp.behaviour = well
    assert await resend(second)
    assert await queued(second) == 2
    assert await deliver(second, settings) is None
    assert (await mail_row(second))["state"] == "sent"


async def test_an_address_that_cannot_be_written_to_fails(settings: Settings) -> None:
    (person,) = await make_people(1)
    await row_of(
        "UPDATE person_email SET email = 'zoé@example.org' WHERE person_id = $1 RETURNING id", person
    )
    (mail_id,) = await tell([person])
    assert await deliver(mail_id, settings) is None
    mail = await mail_row(mail_id)
    assert (mail["state"], mail["reply"]) == ("failed", "address")


async def test_a_line_break_in_a_subject_adds_no_header(settings: Settings, smtp: SmtpServer) -> None:
    news = msgspec.structs.replace(NEWS, values={"mission": "Site\r\nBcc: all@example.org"})
    (mail_id,) = await tell(await make_people(1, "en"), news)
    assert await deliver(mail_id, settings) is None
    (message,) = smtp.received
    assert message["Bcc"] is None
    assert message["Subject"] == "Your mission “Site Bcc: all@example.org” is published"
    await row_of(
        "UPDATE mail SET state = 'pending', finished_at = NULL, attempting_at = NULL, not_before = now(), "
        "subject = E'a\\nBcc: b@example.org' WHERE id = $1 RETURNING id",
        mail_id,
    )
    assert await deliver(mail_id, settings) is None
    assert (await mail_row(mail_id))["state"] == "failed"
