"""The functions that cross the walls: few, listed with their reason, closed to everybody else."""

import asyncpg
import pytest

from api.core.ids import new_id

CROSSINGS = {
    "actor_of(uuid)": "who somebody is, before there are walls",
    "actor_by_session(bytea,timestamp with time zone)": "the same, by a session's digest",
    "actor_by_identity(uuid,text,text)": "the same, by a company token's subject",
    "providers_of(text)": "which company trusts an issuer",
    "person_by_email(text)": "one person an address",
    "relay_lag()": "a figure, for readiness",
    "lock_mission(uuid)": "an applicant needs the lock of a mission that they may not write",
    "contacts_of(uuid[])": "where a reaction writes to",
    "hours_approval_of(uuid,date)": "one word of a company's policy",
    "settle_ledger(uuid)": "holds postings back for a report",
    "actor_by_key(bytea,timestamp with time zone)": "whose key it is, and who made it",
    "ask_who_works_there()": "a trigger: whether a manager has left, whoever confirms",
    "approve_by_policy(uuid)": "what a policy approves is nobody's act, nor the association's who confirms",
    "minutes_left(uuid,uuid,date)": "a figure that an employee is refused with, of limits that they do not see",
    "acts_for(uuid)": "who made a key, which its bearer does not see",
    "lock_association(uuid)": "the invited may not write the association they join",
    "invitation_by_digest(bytea)": "what the reader of a code may know",
    "owner_is_left(uuid)": "a moderator recovers what nobody owns",
    "member_names(uuid)": "members know each other by name",
    "login_of_company(text)": "where a person of a company signs in, before there are walls",
    "companies_of_origin(text)": "whose intranet a page is of",
    "company_of_address(uuid,text)": "which employer gave a person an address",
    "person_in_use(uuid)": "whether a record may be handed over to who proved to be it",
    "lock_employee(uuid)": "lock order begins with one's own row, which an employee may not write",
    "forget_person(uuid)": "an erasure goes through every tenant; of oneself, or by the system",
    "require_living_person()": "a trigger: nothing is hung on the erased",
    "refuse_erased_name()": "a trigger: no directory makes the erased anew",
    "mark_seen()": "a trigger: who signs in is not inactive",
    "require_active_job()": "a trigger: a leaver opens no session through the company",
    "company_by_scim_token(bytea,timestamp with time zone)": "whose directory a token is of",
    "follow_members()": "a trigger: roles follow groups, whoever changed them",
    "follow_group()": "a trigger of the same",
    "follow_allow_list()": "a trigger of the same",
    "leave_groups()": "a trigger: who is erased is in no group",
    "require_member_of_directory()": "a trigger: a group is of those who are there",
    "require_active_employee()": "a trigger: leavers begin nothing",
    "keep_the_day()": "a trigger: a day has 24 hours over all engagements",
    "keep_an_owner()": "a trigger: the last owner stays",
    "move_missions()": "a trigger: missions follow their association",
    "record_audit()": "a trigger: the audit log is written by nobody",
    "record_state()": "a trigger: history is written by nobody",
    "hear_silence()": "a trigger: who leaves somebody without an answer is found later",
    "keep_the_cap()": "a trigger: so many unanswered applications of a person, whoever they are to",
    "offer_places(uuid,timestamp with time zone)": "a freed place goes to who waits, behind other companies' walls",
    "has_left(uuid)": "whether somebody is a leaver, who sees no employee any more",
    "history_of(uuid)": "a manager in charge sees an application, and no history of their company's",
    "waitlist_position(uuid)": "a number, of a queue whose others are not seen",
    "reader_of_calendar(bytea)": "whose calendar an address opens, before there are walls",
    "contact_of_engagement(uuid)": "whom the accepted write to, who are not of the association, also for their mail",
    "forget_calendar()": "a trigger: what the erased one's calendar was told goes, and its address",
    "replies_of(uuid,timestamp with time zone)": "two figures of an association",
    "agree()": "a trigger: terms are the mission's, and the parties' names, as they are that day",
    "engage()": "a trigger: an employer agrees without reading the mission's zone",
    "know_names()": "a trigger: the words of skills and of synonyms are known to the search",
    "disengage()": "a trigger: whoever ends an engagement need not read the mission's zone",
    "follow_mission()": "a trigger: who keeps a mission writes no application",
    "require_engagement()": "a trigger: only an engagement is changed",
    "drop_changes()": "a trigger: a proposal ends with the engagement, whoever ended it",
    "require_unbegun()": "a trigger: an employer that may not read hours takes nothing back once some are confirmed",
    "require_absence()": "a trigger: a no-show is judged by all hours, whoever says it",
    "require_presence()": "a trigger: hours are judged by their engagement, which is locked",
    "keep_policy()": "a trigger: what was in force stays, in the company's zone",
    "ask_again()": "a trigger: a longer effort asks an employer whose policy an association does not read",
    "silence_of(uuid)": "what a company's silence means, which its policy alone tells",
    "settle_pending(uuid)": "an employer's word at a mission's end, behind other companies' walls",
    "require_living_author()": "a trigger of the same, of who writes",
    "stood_in_for()": "whether a company has HR, which not everybody who asks would see",
    "address_of_applicant(uuid)": "where the accepted are written to on their own time, by their association alone",
    "hasten_approvals()": "a trigger: who keeps a mission writes no application",
    "hasten_approval()": "a trigger: the mission's zone, whoever moves the day",
    "require_open_association()": "a trigger: who is suspended takes nobody on, whoever answers",
    "keep_the_year()": "a trigger: whether minutes were taken, of employees whom an administrator does not see",
    "count_in_year()": "a trigger: a day lies in a company's year, which nobody changes meanwhile",
    "ask_employer()": "a trigger: an employer is asked for the effort of a mission, whoever applies",
    "manager_of(uuid)": "who is in charge of an employee, who reads no colleague",
    "year_of(uuid,date)": "a company's years, which its policy alone tells",
    "granted(uuid,date)": "the same of its minutes",
    "exceeded(uuid,uuid,date,integer)": "whether minutes are left, of an employee and a company who are not shown",
    "worked_minutes(uuid)": "a sum, for the triggers of reservations",
    "count_minutes(uuid,uuid,date,bigint,bigint)": "for the triggers alone: counters are written by nobody",
    "count_reservation()": "a trigger: counters are written by nobody",
    "reserve_minutes()": "a trigger: an association reserves without reading what is left",
    "settle_minutes()": "a trigger of the same",
    "require_completed()": "a trigger: an association's word is about an application that it may not lock",
    "count_feedback()": "a trigger: figures are written by nobody",
    "forget_feedback()": "a trigger: what the erased said goes",
    "forget_messages()": "a trigger: what the erased wrote goes",
    "applied_to(uuid)": "whoever applied keeps sight of a mission reserved since",
    "applied_at(uuid)": "the same, of an association refused since",
    "require_answered_hours()": "a trigger: every declaration to an association, whoever closes it",
    "require_association_to_answer()": "a trigger: who declares hours locks no association",
    "drop_manager()": "a trigger: who leaves an association manages none of its missions",
    "keep_mission_names()": "a trigger: managers are members, and companies are there",
    "duplicates_of(uuid)": "which associations may be the same body, by indexes that walls would not use",
    "forget_flags()": "a trigger: what the erased wrote goes",
    "count_places()": "a trigger: applicants do not write missions",
    "publish_to_search(uuid)": "keeps what anyone may find",
    "keep_search()": "a trigger of the same",
    "replace_in_search()": "a trigger of the same: what replaces a skill is found in its place",
    "post_ledger_line()": "a trigger: the ledger is written by nobody",
    "open_ledger()": "a trigger of the same",
}
_FUNCTIONS = """
    SELECT p.oid::regprocedure::text AS name, p.prosecdef AS definer, pg_get_userbyid(p.proowner) AS owner,
           p.proconfig AS settings, p.prorettype = 'trigger'::regtype AS trigger,
           has_function_privilege('maillon_app', p.oid, 'EXECUTE') AS of_app,
           EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) WHERE grantee = 0) AS of_all
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
"""


async def test_every_crossing_is_listed_owned_pinned_and_closed(catalogue: asyncpg.Connection) -> None:
    rows = await catalogue.fetch(_FUNCTIONS)
    crossings = {row["name"].removeprefix("public."): row for row in rows if row["definer"]}
    assert crossings.keys() == CROSSINGS.keys()
    for name, row in crossings.items():
        assert row["owner"] == "maillon_ops", name
        assert row["settings"] == ["search_path=pg_catalog, public"], name
        assert not row["of_all"], name


async def test_nobody_can_call_a_crossing_but_the_application(catalogue: asyncpg.Connection) -> None:
    rows = {row["name"]: row for row in await catalogue.fetch(_FUNCTIONS)}
    uncalled = {"publish_to_search(uuid)", "actor_of(uuid)"}
    for name in CROSSINGS.keys() - uncalled:
        assert rows[name]["of_app"] or rows[name]["trigger"], name


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("SELECT * FROM actor_of($1)", [new_id()]),
        ("SELECT * FROM actor_by_session($1, now())", [b"nothing"]),
        ("SELECT * FROM actor_by_identity($1, $2, $3)", [new_id(), "https://nobody.example", "nobody"]),
        ("SELECT * FROM providers_of($1)", ["https://nobody.example"]),
        ("SELECT person_by_email($1) AS id", ["nobody@nowhere.example"]),
        ("SELECT hours_approval_of($1, current_date) AS word", [new_id()]),
        ("SELECT * FROM contacts_of($1)", [[new_id()]]),
        ("SELECT * FROM contacts_of($1)", [[]]),
    ],
)
async def test_a_crossing_answers_about_what_was_named_alone(
    settings_url: str, query: str, arguments: list[object]
) -> None:
    connection = await asyncpg.connect(settings_url)
    try:
        rows = await connection.fetch(query, *arguments)
    finally:
        await connection.close()
    assert [row for row in rows if any(value is not None for value in row)] == []


@pytest.fixture
def settings_url(environment: dict[str, str]) -> str:
    return environment["MAILLON_DATABASE_URL"]


async def test_the_walls_cannot_be_lifted_by_the_application(settings_url: str) -> None:
    connection = await asyncpg.connect(settings_url)
    try:
        for statement in (
            "SET ROLE maillon_ops",
            "SET ROLE maillon_owner",
            "SET SESSION AUTHORIZATION maillon_ops",
            "ALTER TABLE mission DISABLE ROW LEVEL SECURITY",
            "DROP POLICY mission_seen ON mission",
            "CREATE TABLE mine (id int)",
            "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
            "ALTER FUNCTION relay_lag() SECURITY INVOKER",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.execute("SET row_security = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM mission")
    finally:
        await connection.close()
