"""A person's inbox: their own notices, page by page, read one by one or all at once."""

from uuid import UUID

import pytest

from api.core import signing
from api.core.actor import Actor, system
from api.core.database import read, transaction
from api.core.ids import new_id
from api.core.problems import Malformed, NotFound
from api.core.settings import Settings
from api.notifications.queries import list_notifications
from api.notifications.service import notify, read_all_notifications, read_notification
from tests.faults.stage import NEWS, count, make_people


@pytest.fixture
def actor(settings: Settings) -> Actor:
    signing.trust(settings.secrets)
    return Actor(person_id=new_id())


async def told(times: int) -> Actor:
    (person,) = await make_people(1)
    for _ in range(times):
        async with transaction(system()):
            await notify([person], NEWS, str(new_id()))
    return Actor(person_id=person)


async def ids_of(actor: Actor, limit: int) -> list[UUID]:
    found, cursor = [], None
    while True:
        async with read(actor) as connection:
            page = await list_notifications(connection, actor, limit, cursor)
        found += [notice.id for notice in page.items]
        cursor = page.next
        if cursor is None:
            return found


async def test_pages_hold_every_notice_once_the_newest_first(actor: Actor) -> None:
    somebody = await told(5)
    found = await ids_of(somebody, 2)
    assert len(found) == 5
    assert found == sorted(found, reverse=True)
    assert await ids_of(actor, 2) == []


async def test_a_cursor_of_somebody_else_is_refused(actor: Actor) -> None:
    somebody = await told(2)
    async with read(somebody) as connection:
        page = await list_notifications(connection, somebody, 1, None)
    async with read(actor) as connection:
        with pytest.raises(Malformed):
            await list_notifications(connection, actor, 1, page.next)


async def test_a_notice_is_read_once_and_by_its_person_alone(actor: Actor) -> None:
    somebody = await told(1)
    (notice_id,) = await ids_of(somebody, 2)
    first = await read_notification(somebody, notice_id)
    assert first.read_at is not None
    assert (first.about.type, first.about.id) == (NEWS.about_type, NEWS.about_id)
    assert (await read_notification(somebody, notice_id)).read_at == first.read_at
    with pytest.raises(NotFound):
        await read_notification(actor, notice_id)


async def test_all_are_read_at_once(actor: Actor) -> None:
    somebody, other = await told(3), await told(1)
    assert (await read_all_notifications(somebody)).read == 3
    assert (await read_all_notifications(somebody)).read == 0
    unread = "SELECT count(*) FROM notification WHERE person_id = $1 AND read_at IS NULL"
    assert await count(unread, other.person_id) == 1
