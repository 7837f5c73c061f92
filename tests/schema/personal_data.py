"""What an export does not hold, and why: a column stands here or in `api/identity/export_parts.py`."""

SECRET = "the digest of a secret, which opens nothing and says nothing"
WORK = "how the machinery goes about it: counts, locks, keys of uniqueness"
OTHERS = "somebody else: the organisation or the outcome is given"
DERIVED = "computed from a column that is given"

TABLES: dict[str, str] = {
    "association": "an organisation's own; its contact address is the one it publishes",
    "company": "an organisation's own",
    "policy": "an organisation's own",
    "identity_provider": "an organisation's own",
    "scim_group": "names of a company's groups; those that the person is in are given",
    "mission_search": "a copy of published missions",
    "mission_reserved": "the same",
    "reservation": "what an engagement may still take, told by what was agreed and by the hours",
    "application_cap": "how many applications may wait, of nobody",
    "feedback_total": "figures about an association, of five people or more",
    "search_word": "words of published titles and of skills",
    "search_synonym": "reference data",
    "commune": "reference data",
    "ledger_head": "figures of a company",
    "audit_seal": "hashes of events; the events are given",
    "audit_head": "hashes",
    "mail_domain": "domains of providers, of nobody",
    "outbox": "ids alone, on their way to the worker; forgotten after 30 days",
    "reaction": "how the worker goes about a fact",
    "idempotency_key": "an answer that the person was given already, kept for 24 hours",
    "state_edge": "the lifecycles themselves",
    "reference_data": "digests of shipped files",
    "cause": "reference data of nobody",
    "skill_family": "reference data of nobody",
    "skill": "reference data of nobody",
    "migration": "names of migrations",
    "retention_rule": "for how long data is kept, of nobody",
    "tombstone": "digests of how the erased were named: there is nobody left to ask for them",
}
"""Tables that hold nothing to give."""

COLUMNS: dict[str, dict[str, str]] = {
    "person": {"erased_at": "nobody is left to ask"},
    "person_email": {"id": WORK},
    "employee": {
        "version": WORK,
        "erased_at": "nobody is left to ask",
        "user_name_key": DERIVED,
        "email_key": DERIVED,
    },
    "scim_token": {
        "id": WORK,
        "slot": WORK,
        "digest": SECRET,
        "created_by": "the person",
        "last_used_at": "its organisation's use",
    },
    "scim_group_member": {"id": WORK, "employee_id": "the person, as their employer knows them"},
    "identity": {"id": WORK},
    "session": {"digest": SECRET},
    "magic_link": {"id": WORK, "request_digest": SECRET, "proof_digest": SECRET},
    "login": {"id": WORK, "digest": SECRET},
    "platform_role": {"id": WORK},
    "association_member": {"id": WORK, "version": WORK},
    "invitation": {"id": WORK, "digest": SECRET, "invited_by": OTHERS, "accepted_by": "the person"},
    "api_key": {
        "id": WORK,
        "digest": SECRET,
        "created_by": "the person",
        "last_used_at": "its organisation's use",
    },
    "mission": dict.fromkeys(
        (
            *(
                "version",
                "state",
                "state_reason",
                "summary",
                "description",
                "deliverable",
                "format",
                "causes",
            ),
            *("places", "taken", "effort_minutes", "regimes", "remote", "location_label", "postal_code"),
            *("latitude", "longitude", "time_zone", "starts_on", "ends_on", "apply_by", "languages"),
            *("created_by", "published_at", "template", "prerequisites", "steps", "skills", "sessions"),
            *(
                "contact",
                "managers",
                "reserved_to",
                "live",
                "closes_on",
                "changed_at",
                "review_since",
                "review_reasons",
            ),
        ),
        "the association's text, published or its own; the person wrote it for them",
    ),
    "application": {
        "version": WORK,
        "reminded": WORK,
        "approval_due_at": WORK,
        "approval_asked_at": WORK,
        "replied_at": "told by the history",
        "missed_at": "told by the history",
        "reply_since": WORK,
        "waitlisted_at": "told by the history",
        "ended_at": "told by the history",
    },
    "message": {"author_id": "the person, or somebody else"},
    "change_proposal": {"version": WORK, "author_id": "the person, or somebody else"},
    "calendar_invitation": {"version": WORK},
    "calendar_feed": {"id": WORK, "digest": SECRET},
    "feedback": {
        "from_association": "always the person's side: what the association said was said in confidence",
        "deliverable_used": "the association's alone",
        "counted": "whether four others had answered too",
    },
    "flag": {"resolved_by": OTHERS},
    "hours_entry": {"version": WORK, "counted_in": DERIVED, "confirmed_by": OTHERS, "approved_by": OTHERS},
    "allowance": {"id": WORK},
    "ledger_line": {"sequence": WORK},
    "notification": {"unique_key": WORK},
    "mail": dict.fromkeys(
        ("unique_key", "attempts", "not_before", "paced", "resent_at", "attempting_at"), WORK
    )
    | {"calendars": "told by the calendar invitations; blank once it is sent", "page": OTHERS},
    "state_event": {"id": WORK, "by_person": OTHERS},
    "audit_event": {
        "id": WORK,
        "actor_kind": "always the person",
        "actor_id": "the person",
        "changes": "ids and codes, which may be somebody else's",
    },
    "export": {"document": "an export within an export", "sha256": "told with the export"},
}
"""Columns withheld of tables that are given."""
