"""The members of an association: invited by mail, listed, changed, gone; and who may do so."""

import itertools
import re
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from api.core import clock
from api.core.database import operations
from api.core.settings import Settings
from api.identity import service as identity
from api.notifications.delivery import deliver
from api.organisations.members import MOST_INVITATIONS
from tests.api.core.asking import assert_problem
from tests.make.world import Association, World
from tests.reactions.world import catch_up, react

_MAIL = """
    SELECT id, kind, language, subject, text, person_id FROM mail WHERE to_address = $1 AND kind = 'invitation'
    ORDER BY id DESC LIMIT 1
"""
_CODE = re.compile(r"\b[0-9a-f]{32}\b")
_numbers = itertools.count(1)


class Guest(NamedTuple):
    """A person with an address of their own."""

    id: str
    email: str
    token: str


async def guest(world: World) -> Guest:
    email = f"membre-{next(_numbers)}@membres.example"
    token = await identity.issue_token(email, timedelta(hours=1))
    return Guest((await world.ok(token, "GET", "/v1/me"))["id"], email, token)


def members(association: Association) -> str:
    return f"/v1/associations/{association.id}/members"


async def invite(world: World, token: str, association: Association, email: str, role: str) -> Any:
    answer = await world.call(token, "POST", members(association), {"email": email, "role": role})
    assert answer.status_code == 202, answer.text
    return answer.json()


async def mail_to(email: str) -> dict[str, Any]:
    async with operations() as connection:
        return dict(await connection.fetchrow(_MAIL, email))


async def code_to(email: str) -> str:
    found = _CODE.search((await mail_to(email))["text"])
    assert found
    return found[0]


async def join(world: World, association: Association, role: str = "coordinator") -> Guest:
    """Give a new member, invited by the owner."""
    person = await guest(world)
    await invite(world, association.owner, association, person.email, role)
    await world.ok(person.token, "POST", f"/v1/invitations/{await code_to(person.email)}/accept")
    return person


async def owner_of(world: World, association: Association) -> str:
    return str((await world.ok(association.owner, "GET", "/v1/me"))["id"])


async def lose_owner(world: World, association: Association) -> None:
    """Leave the owner without any way to sign in."""
    async with operations() as connection:
        await connection.execute(
            "DELETE FROM person_email WHERE person_id = $1", UUID(await owner_of(world, association))
        )


async def test_an_invited_person_joins_and_is_listed(world: World) -> None:
    association, person = await world.association(), await guest(world)
    await world.ok(person.token, "PATCH", "/v1/me", {"given_name": "Sofia", "family_name": "Blanc"})
    invited = await invite(world, association.owner, association, person.email.upper(), "coordinator")
    mail = await mail_to(person.email)
    seat = await world.ok(person.token, "POST", f"/v1/invitations/{await code_to(person.email)}/accept")

    assert (invited["email"], invited["role"]) == (person.email, "coordinator")
    assert mail["person_id"] is None
    assert seat == {"association": association.id, "role": "coordinator"}
    assert seat in (await world.ok(person.token, "GET", "/v1/me"))["memberships"]
    listed = await world.ok(person.token, "GET", members(association))
    (found,) = [each for each in listed["items"] if each["person_id"] == person.id]
    assert (found["given_name"], found["email"], found["role"]) == ("Sofia", person.email, "coordinator")
    assert len(listed["items"]) == 2


async def test_an_invitation_answers_the_same_whoever_the_address_is(world: World) -> None:
    association, person = await world.association(), await guest(world)
    known = await invite(world, association.owner, association, person.email, "owner")
    unknown = await invite(world, association.owner, association, f"x{person.email}", "owner")

    assert known.keys() == unknown.keys() == {"id", "email", "role", "expires_at"}
    assert await code_to(person.email) not in str(known)


async def test_an_invitation_is_for_who_proved_the_address(world: World) -> None:
    association, person, other = await world.association(), await guest(world), await guest(world)
    await invite(world, association.owner, association, person.email, "owner")
    path = f"/v1/invitations/{await code_to(person.email)}/accept"

    assert_problem(await world.call(None, "POST", path), 401, "unauthenticated")
    assert_problem(await world.call(other.token, "POST", path), 403, "forbidden")
    assert (await world.ok(other.token, "GET", "/v1/me"))["emails"] == [other.email]
    assert (await world.call(person.token, "POST", path)).status_code == 200


async def test_an_invitation_works_once_and_a_double_click_is_no_error(world: World) -> None:
    association, person = await world.association(), await guest(world)
    await invite(world, association.owner, association, person.email, "coordinator")
    path = f"/v1/invitations/{await code_to(person.email)}/accept"
    first, again = [await world.ok(person.token, "POST", path) for _ in range(2)]
    left = await world.call(person.token, "DELETE", f"{members(association)}/{person.id}")

    assert first == again
    assert left.status_code == 204
    assert_problem(await world.call(person.token, "POST", path), 404, "not-found")
    async with operations() as connection:
        told = await connection.fetchval(
            "SELECT count(*) FROM outbox WHERE fact = 'MemberJoined' AND association_id = $1",
            UUID(association.id),
        )
    assert told == 1


async def test_an_invitation_too_old_revoked_or_replaced_opens_nothing(world: World) -> None:
    association, person = await world.association(), await guest(world)
    replaced, kept = [
        (
            await invite(world, association.owner, association, person.email, "coordinator"),
            f"/v1/invitations/{await code_to(person.email)}/accept",
        )
        for _ in range(2)
    ]
    with clock.at(clock.now() + timedelta(days=7, seconds=1)):
        session = await identity.issue_token(person.email, timedelta(hours=1))
        assert_problem(await world.call(session, "POST", kept[1]), 404, "not-found")
    assert_problem(await world.call(person.token, "POST", replaced[1]), 404, "not-found")
    path = f"/v1/invitations/{kept[0]['id']}"
    assert (await world.call(association.owner, "DELETE", path)).status_code == 204
    assert_problem(await world.call(association.owner, "DELETE", path), 404, "not-found")
    assert_problem(await world.call(person.token, "POST", kept[1]), 404, "not-found")
    assert_problem(await world.call(person.token, "POST", "/v1/invitations/none/accept"), 404, "not-found")


async def test_an_owner_lists_the_invitations_that_wait(world: World) -> None:
    association, person = await world.association(), await guest(world)
    path = f"/v1/associations/{association.id}/invitations"
    sent = [
        await invite(world, association.owner, association, f"{name}{person.email}", "coordinator")
        for name in ("", "", "b", "c", "d")  # the second replaces the first
    ]
    await world.call(association.owner, "DELETE", f"/v1/invitations/{sent[3]['id']}")
    first = await world.ok(association.owner, "GET", f"{path}?limit=2")
    rest = await world.ok(association.owner, "GET", f"{path}?limit=2&cursor={first['next']}")

    assert first["items"] + rest["items"] == [sent[1], sent[2], sent[4]]
    taken = f"/v1/invitations/{await code_to(person.email)}/accept"
    await world.ok(person.token, "POST", taken)
    assert (await world.ok(association.owner, "GET", path))["items"] == [sent[2], sent[4]]
    assert_problem(await world.call(person.token, "GET", path), 403, "forbidden")
    owner = (await world.ok(association.owner, "GET", "/v1/me"))["emails"][0]
    with clock.at(clock.now() + timedelta(days=8)):
        later = await identity.issue_token(owner, timedelta(hours=1))
        assert (await world.ok(later, "GET", path))["items"] == []


async def test_an_owner_who_accepts_a_lesser_seat_stays_an_owner(world: World) -> None:
    association = await world.association()
    email = (await world.ok(association.owner, "GET", "/v1/me"))["emails"][0]
    await invite(world, association.owner, association, email, "coordinator")

    seat = await world.ok(association.owner, "POST", f"/v1/invitations/{await code_to(email)}/accept")

    assert seat["role"] == "owner"


async def test_the_code_of_an_invitation_is_forgotten_once_sent(world: World, settings: Settings) -> None:
    association, person = await world.association(), await guest(world)
    await invite(world, association.owner, association, person.email, "owner")
    mail = await mail_to(person.email)
    while await deliver(mail["id"], settings):
        pass

    assert (await mail_to(person.email))["text"] == ""


async def test_an_association_invites_twenty_times_an_hour(world: World) -> None:
    association = await world.association()
    body = {"email": f"membre-{next(_numbers)}@membres.example", "role": "coordinator"}
    for _ in range(MOST_INVITATIONS):
        await world.ok(association.owner, "POST", members(association), body)

    refused = await world.call(association.owner, "POST", members(association), body)

    assert_problem(refused, 429, "too-many-requests")
    assert 3500 < int(refused.headers["retry-after"]) <= 3601


async def test_an_owner_changes_a_role_and_the_version_read_counts(world: World) -> None:
    association = await world.association()
    person = await join(world, association)
    path = f"{members(association)}/{person.id}"

    unsaid = await world.call(association.owner, "PATCH", path, {"role": "owner"})
    changed = await world.ok(association.owner, "PATCH", path, {"role": "owner"}, if_match='"v1-0"')
    late = await world.call(association.owner, "PATCH", path, {"role": "coordinator"}, if_match='"v1-0"')

    assert_problem(unsaid, 428, "version-required")
    assert (changed["role"], changed["version"]) == ("owner", 2)
    assert_problem(late, 412, "version-changed")


async def test_the_last_owner_neither_leaves_nor_steps_down(world: World) -> None:
    association = await world.association()
    coordinator, owner = await join(world, association), await owner_of(world, association)
    path = f"{members(association)}/{owner}"

    leaving = await world.call(association.owner, "DELETE", path)
    stepping = await world.call(
        association.owner, "PATCH", path, {"role": "coordinator"}, if_match='"v1-0"', accept_language="fr"
    )
    seat = f"{members(association)}/{coordinator.id}"
    await world.ok(association.owner, "PATCH", seat, {"role": "owner"}, if_match='"v1-0"')
    left = await world.call(association.owner, "DELETE", path)

    assert_problem(leaving, 409, "last-owner")
    assert assert_problem(stepping, 409, "last-owner")["title"].startswith("Une association garde")
    assert left.status_code == 204
    assert_problem(await world.call(coordinator.token, "DELETE", seat), 409, "last-owner")


async def test_only_an_owner_changes_members_and_anybody_leaves(world: World) -> None:
    association = await world.association()
    one, other = await join(world, association), await join(world, association)
    stranger, moderator = await guest(world), await world.moderator()
    owner = await owner_of(world, association)
    offered = await invite(world, association.owner, association, stranger.email, "coordinator")
    for token in (one.token, stranger.token, moderator):
        for method, path, body in (
            ("POST", members(association), {"email": "a@b.example", "role": "owner"}),
            ("PATCH", f"{members(association)}/{owner}", {"role": "coordinator"}),
            ("DELETE", f"{members(association)}/{other.id}", None),
            ("DELETE", f"{members(association)}/{owner}", None),
        ):
            answer = await world.call(token, method, path, body, if_match='"v1-0"')
            assert_problem(answer, 403, "forbidden")
    for token, status in ((one.token, 403), (moderator, 403), (stranger.token, 404)):
        answer = await world.call(token, "DELETE", f"/v1/invitations/{offered['id']}")
        assert answer.status_code == status

    assert (await world.call(one.token, "DELETE", f"{members(association)}/{one.id}")).status_code == 204
    gone = f"{members(association)}/{other.id}"
    assert (await world.call(association.owner, "DELETE", gone)).status_code == 204
    assert_problem(await world.call(association.owner, "DELETE", gone), 404, "not-found")
    assert (await world.ok(other.token, "GET", "/v1/me"))["memberships"] == []


async def test_members_are_listed_to_members_and_moderators_page_by_page(world: World) -> None:
    association, stranger = await world.association(), await guest(world)
    for _ in range(2):
        await join(world, association)
    path = members(association)

    assert_problem(await world.call(stranger.token, "GET", path), 403, "forbidden")
    assert_problem(await world.call(None, "GET", path), 401, "unauthenticated")
    first = await world.ok(await world.moderator(), "GET", f"{path}?limit=2")
    last = await world.ok(association.owner, "GET", f"{path}?limit=2&cursor={first['next']}")
    assert len({each["person_id"] for each in first["items"] + last["items"]}) == 3
    assert last["next"] is None


async def test_a_member_known_by_their_employer_alone_shows_no_address(world: World) -> None:
    association, company = await world.association(), await world.company()
    employee = world.employee(company)
    me = await world.ok(employee, "GET", "/v1/me")
    async with operations() as connection:
        await connection.execute(
            """INSERT INTO association_member (id, association_id, person_id, role, since)
               VALUES (uuidv7(), $1, $2, 'coordinator', now())""",
            *(UUID(association.id), UUID(me["id"])),
        )

    listed = await world.ok(association.owner, "GET", members(association))

    (found,) = [each for each in listed["items"] if each["person_id"] == me["id"]]
    assert (found["given_name"], found["email"]) == ("Camille", None)


async def test_a_moderator_recovers_an_association_whose_owner_is_gone(world: World) -> None:
    association, heir, moderator = await world.association(), await guest(world), await world.moderator()
    body = {"email": heir.email, "role": "owner"}
    refused = await world.call(moderator, "POST", members(association), body)
    owner = await owner_of(world, association)
    await lose_owner(world, association)
    await invite(world, moderator, association, heir.email, "owner")
    await world.ok(heir.token, "POST", f"/v1/invitations/{await code_to(heir.email)}/accept")
    removed = await world.call(heir.token, "DELETE", f"{members(association)}/{owner}")

    assert_problem(refused, 403, "forbidden")
    assert removed.status_code == 204
    assert_problem(await world.call(moderator, "POST", members(association), body), 403, "forbidden")


async def test_a_moderator_of_the_association_does_not_recover_it(world: World) -> None:
    association = await world.association()
    coordinator = await join(world, association)
    await identity.grant_role(coordinator.email, "moderator")
    await lose_owner(world, association)

    answer = await world.call(
        coordinator.token, "POST", members(association), {"email": coordinator.email, "role": "owner"}
    )

    assert_problem(answer, 403, "forbidden")


async def test_a_person_erased_goes_although_they_were_the_last_owner(world: World) -> None:
    association = await world.association()
    owner = UUID(await owner_of(world, association))
    async with operations() as connection:
        await connection.execute("DELETE FROM person WHERE id = $1", owner)
        left = await connection.fetchval(
            "SELECT count(*) FROM association_member WHERE association_id = $1", UUID(association.id)
        )

    assert left == 0


@pytest.mark.parametrize("body", [{"email": "a@b.example", "role": "admin"}, {"email": "a", "role": "owner"}])
async def test_an_invitation_that_makes_no_sense_is_refused(world: World, body: dict[str, str]) -> None:
    association = await world.association()
    assert_problem(await world.call(association.owner, "POST", members(association), body), 422, "invalid")


async def test_owners_are_told_who_joined(world: World, settings: Settings) -> None:
    association = await world.association()
    person = await join(world, association)
    await world.ok(person.token, "PATCH", "/v1/me", {"given_name": "Sofia", "family_name": "Blanc"})
    async with operations() as connection:
        fact = await connection.fetchval(
            "SELECT id FROM outbox WHERE fact = 'MemberJoined' AND association_id = $1", UUID(association.id)
        )
        await connection.execute(
            """INSERT INTO reaction (id, fact_id, name, due_at)
               VALUES (uuidv7(), $1, 'tell_owners_of_member', now())""",
            fact,
        )
    await react("MemberJoined", fact, settings)

    notices = await world.ok(association.owner, "GET", "/v1/me/notifications")
    assert [each["title"] for each in notices["items"] if each["kind"] == "member_joined"] == [
        "Sofia Blanc a rejoint " + (await world.ok(None, "GET", f"/v1/associations/{association.id}"))["name"]
    ]
    assert (await world.ok(person.token, "GET", "/v1/me/notifications"))["items"] == []


async def told(world: World, token: str) -> list[tuple[str, str, str]]:
    """Give what somebody was told of their membership, the oldest first."""
    items = (await world.ok(token, "GET", "/v1/me/notifications"))["items"]
    seen = [
        (item["kind"], item["title"], item["text"]) for item in items if item["kind"].startswith("member")
    ]
    return seen[::-1]


async def version_of(world: World, association: Association, person: Guest) -> int:
    listed = (await world.ok(association.owner, "GET", members(association)))["items"]
    (version,) = [each["version"] for each in listed if each["person_id"] == person.id]
    return int(version)


async def test_a_member_is_told_of_a_new_role_and_of_their_removal(world: World, settings: Settings) -> None:
    association = await world.association(name="Les Amis du Lac")
    person = await join(world, association)
    path = f"{members(association)}/{person.id}"
    await catch_up(settings)
    for _ in range(2):  # the second changes nothing
        tag = f'"v{await version_of(world, association, person)}"'
        await world.ok(association.owner, "PATCH", path, {"role": "owner"}, if_match=tag)
    await catch_up(settings)
    assert (await world.call(association.owner, "DELETE", path)).status_code == 204
    await catch_up(settings)

    changed, removed = await told(world, person.token)
    assert changed == (
        "member_changed",
        "Votre rôle change chez Les Amis du Lac",
        "Vous êtes maintenant responsable des Amis du Lac.",
    )
    assert removed[:2] == ("member_removed", "Vous ne faites plus partie des Amis du Lac")
    assert "nouvelle invitation" in removed[2]
    assert [kind for kind, *_ in await told(world, association.owner)] == ["member_joined"]


async def test_nobody_is_told_of_what_they_did_to_themselves(world: World, settings: Settings) -> None:
    association = await world.association()
    person = await join(world, association, "owner")
    path, tag = f"{members(association)}/{person.id}", f'"v{await version_of(world, association, person)}"'
    await world.ok(person.token, "PATCH", path, {"role": "coordinator"}, if_match=tag)
    assert (await world.call(person.token, "DELETE", path)).status_code == 204
    await catch_up(settings)
    assert await told(world, person.token) == []


async def test_an_invitation_sent_again_with_its_key_is_made_once(world: World) -> None:
    association, person = await world.association(), await guest(world)
    await lose_owner(world, association)
    moderator, body = await world.moderator(), {"email": person.email, "role": "owner"}
    first, again = [
        await world.ok(moderator, "POST", members(association), body, idempotency_key="une-invitation")
        for _ in range(2)
    ]
    path = f"/v1/invitations/{await code_to(person.email)}/accept"
    seats = [await world.ok(person.token, "POST", path, idempotency_key="une-acceptation") for _ in range(2)]

    assert first == again
    assert seats == [{"association": association.id, "role": "owner"}] * 2
    async with operations() as connection:
        mails = await connection.fetchval("SELECT count(*) FROM mail WHERE to_address = $1", person.email)
    assert mails == 1
