"""What an export holds of each table: whose rows, which columns, and what they are (RGPD art. 15 and 20).

A test reads the whole schema: a column is here, or on the list of those withheld with the reason.
"""

from typing import NamedTuple

from api.core.language import Words


class Part(NamedTuple):
    """A part of an export: `$1` is the person; `names` make the `columns` of the table readable."""

    name: str
    table: str
    words: Words
    columns: str
    query: str
    names: str = ""


PARTS = (
    Part(
        "person",
        "person",
        Words("Who you are, as you told us.", "Qui vous êtes, comme vous nous l’avez dit."),
        "id given_name family_name language time_zone created_at seen_at warned_at",
        "SELECT to_jsonb(t) FROM person t WHERE t.id = $1",
    ),
    Part(
        "emails",
        "person_email",
        Words("Your own addresses.", "Vos propres adresses."),
        "email proved_at",
        "SELECT to_jsonb(t) FROM person_email t WHERE t.person_id = $1 ORDER BY t.id",
    ),
    Part(
        "jobs",
        "employee",
        Words("What your employers say of you.", "Ce que vos employeurs disent de vous."),
        "id company_id given_name family_name email roles group_roles site department manager_id active"
        " external_id user_name employee_number preferred_language grade deactivated_at provisioned_at deleted_at"
        " created_at updated_at",
        """SELECT to_jsonb(t) || jsonb_build_object('company', c.name)
           FROM employee t JOIN company c ON c.id = t.company_id WHERE t.person_id = $1 ORDER BY t.id""",
        "company",
    ),
    Part(
        "identities",
        "identity",
        Words("How your employers’ sign-in names you.", "Comment la connexion de vos employeurs vous nomme."),
        "company_id issuer subject created_at",
        "SELECT to_jsonb(t) FROM identity t WHERE t.person_id = $1 ORDER BY t.id",
    ),
    Part(
        "sessions",
        "session",
        Words("Where you are signed in.", "Vos connexions ouvertes."),
        "id company_id provider_id roles created_at expires_at",
        "SELECT to_jsonb(t) FROM session t WHERE t.person_id = $1 ORDER BY t.id",
    ),
    Part(
        "sign_ins_by_mail",
        "magic_link",
        Words("Codes sent to your addresses.", "Les codes envoyés à vos adresses."),
        "email network attempts created_at expires_at used_at",
        """SELECT to_jsonb(t) FROM magic_link t WHERE t.person_id = $1
           OR t.email IN (SELECT email FROM person_email WHERE person_id = $1) ORDER BY t.id""",
    ),
    Part(
        "sign_ins_under_way",
        "login",
        Words("Sign-ins that you began at an employer’s.", "Les connexions commencées chez un employeur."),
        "company_id provider_id return_to created_at expires_at used_at",
        "SELECT to_jsonb(t) FROM login t WHERE t.person_id = $1 ORDER BY t.id",
    ),
    Part(
        "platform_roles",
        "platform_role",
        Words("Your roles on the platform.", "Vos rôles sur la plateforme."),
        "role",
        "SELECT to_jsonb(t) FROM platform_role t WHERE t.person_id = $1 ORDER BY t.id",
    ),
    Part(
        "memberships",
        "association_member",
        Words("Your associations.", "Vos associations."),
        "association_id role since",
        """SELECT to_jsonb(t) || jsonb_build_object('association', a.name)
           FROM association_member t JOIN association a ON a.id = t.association_id
           WHERE t.person_id = $1 ORDER BY t.id""",
        "association",
    ),
    Part(
        "invitations",
        "invitation",
        Words("Invitations sent to you.", "Les invitations que vous avez reçues."),
        "association_id email role created_at expires_at accepted_at revoked_at",
        """SELECT to_jsonb(t) || jsonb_build_object('association', a.name)
           FROM invitation t JOIN association a ON a.id = t.association_id
           WHERE t.accepted_by = $1 OR t.email IN (SELECT email FROM person_email WHERE person_id = $1)
           ORDER BY t.id""",
        "association",
    ),
    Part(
        "keys",
        "api_key",
        Words("Keys that you made for an organisation.", "Les clés créées par vous pour une organisation."),
        "company_id association_id name scopes created_at expires_at revoked_at",
        "SELECT to_jsonb(t) FROM api_key t WHERE t.created_by = $1 ORDER BY t.id",
    ),
    Part(
        "directory_tokens",
        "scim_token",
        Words("Tokens that you made for a directory.", "Les jetons créés par vous pour un annuaire."),
        "company_id name created_at expires_at revoked_at",
        "SELECT to_jsonb(t) FROM scim_token t WHERE t.created_by = $1 ORDER BY t.id",
    ),
    Part(
        "groups",
        "scim_group_member",
        Words(
            "Groups that your employers’ directories put you in.",
            "Les groupes où vous placent les annuaires de vos employeurs.",
        ),
        "company_id group_id",
        """SELECT to_jsonb(t) || jsonb_build_object('group', g.display_name)
           FROM scim_group_member t JOIN scim_group g ON g.id = t.group_id
           JOIN employee e ON e.id = t.employee_id WHERE e.person_id = $1 ORDER BY t.id""",
        "group",
    ),
    Part(
        "missions",
        "mission",
        Words("Missions that you wrote for an association.", "Les missions que vous avez rédigées."),
        "id association_id title created_at",
        "SELECT to_jsonb(t) FROM mission t WHERE t.created_by = $1 ORDER BY t.id",
    ),
    Part(
        "flags",
        "flag",
        Words("What you reported about missions.", "Ce que vous avez signalé sur des missions."),
        "id mission_id association_id reason text created_at outcome resolved_at",
        "SELECT to_jsonb(t) FROM flag t WHERE t.person_id = $1 ORDER BY t.id",
    ),
    Part(
        "applications",
        "application",
        Words("Your applications, with your message.", "Vos candidatures, avec votre message."),
        "id mission_id association_id company_id employee_id manager_id applicant_name applicant_email state"
        " state_reason regime legal_form employer_approval employer_reason message created_at"
        " reply_due_at offer_expires_at wanted_sessions agreed_starts_on agreed_ends_on agreed_minutes agreed_sessions"
        " convention engaged_on engaged_until asked_minutes approved_minutes",
        """SELECT to_jsonb(t) || jsonb_build_object('mission', m.title, 'association', a.name)
           FROM application t JOIN mission m ON m.id = t.mission_id JOIN association a ON a.id = t.association_id
           WHERE t.person_id = $1 ORDER BY t.id""",
        "mission association",
    ),
    Part(
        "messages",
        "message",
        Words("What was written about your applications.", "Ce qui s’est écrit sur vos candidatures."),
        "id application_id association_id from_association text created_at",
        "SELECT to_jsonb(t) FROM message t WHERE t.person_id = $1 ORDER BY t.id",
    ),
    Part(
        "changes",
        "change_proposal",
        Words("Changes proposed of your engagements.", "Les changements proposés de vos engagements."),
        "id application_id association_id from_association state starts_on ends_on effort_minutes sessions message"
        " created_at",
        "SELECT to_jsonb(t) FROM change_proposal t WHERE t.person_id = $1 ORDER BY t.id",
    ),
    Part(
        "calendar_invitations",
        "calendar_invitation",
        Words("What your calendar was told by mail.", "Ce que votre agenda a reçu par courriel."),
        "application_id association_id company_id events told_at",
        "SELECT to_jsonb(t) FROM calendar_invitation t WHERE t.person_id = $1 ORDER BY t.application_id",
    ),
    Part(
        "calendar_feed",
        "calendar_feed",
        Words(
            "The address that your calendar reads, by its day.",
            "L’adresse que lit votre agenda, par son jour.",
        ),
        "created_at",
        "SELECT to_jsonb(t) FROM calendar_feed t WHERE t.person_id = $1",
    ),
    Part(
        "feedback",
        "feedback",
        Words("What you said at the end.", "Ce que vous avez dit à la fin."),
        "id application_id association_id again given_at",
        "SELECT to_jsonb(t) FROM feedback t WHERE t.person_id = $1 AND NOT t.from_association ORDER BY t.id",
    ),
    Part(
        "hours",
        "hours_entry",
        Words("The hours that you declared.", "Les heures que vous avez déclarées."),
        "id application_id mission_id association_id company_id employee_id manager_id regime state state_reason"
        " worked_on starts_at minutes declared_minutes note created_at",
        "SELECT to_jsonb(t) FROM hours_entry t WHERE t.person_id = $1 ORDER BY t.id",
    ),
    Part(
        "allowances",
        "allowance",
        Words("What your employers gave of a year.", "Ce que vos employeurs ont accordé d’une année."),
        "company_id employee_id year reserved used",
        """SELECT to_jsonb(t) FROM allowance t JOIN employee e ON e.id = t.employee_id
           WHERE e.person_id = $1 ORDER BY t.year, t.company_id""",
    ),
    Part(
        "ledger",
        "ledger_line",
        Words("Your approved hours, kept for ever.", "Vos heures approuvées, inscrites définitivement."),
        "id hours_id company_id employee_id association_id mission_id regime legal_form department site cause"
        " worked_on posted_on posted_at minutes",
        "SELECT to_jsonb(t) FROM ledger_line t WHERE t.person_id = $1 ORDER BY t.company_id, t.sequence",
    ),
    Part(
        "history",
        "state_event",
        Words("What became of both, and when.", "Ce qu’il en est advenu, et quand."),
        "object object_id from_state to_state reason at company_id association_id",
        """SELECT to_jsonb(t) FROM state_event t WHERE t.person_id = $1 AND t.object_id IN (
               SELECT id FROM application WHERE person_id = $1
               UNION ALL SELECT id FROM change_proposal WHERE person_id = $1
               UNION ALL SELECT id FROM hours_entry WHERE person_id = $1) ORDER BY t.id""",
    ),
    Part(
        "acts",
        "audit_event",
        Words("What you did, by the audit logs.", "Ce que vous avez fait, d’après les journaux d’audit."),
        "tenant_kind tenant_id at action object_type object_id",
        """SELECT to_jsonb(t) FROM audit_event t WHERE t.actor_kind = 'person' AND t.actor_id = $1
           ORDER BY t.at, t.id""",
    ),
    Part(
        "notices",
        "notification",
        Words(
            "What you were told; not where it names somebody else.",
            "Ce qui vous a été annoncé, sauf ce qui nomme quelqu’un d’autre.",
        ),
        "id kind title text about_type about_id created_at read_at",
        "SELECT to_jsonb(t) FROM notification t WHERE t.person_id = $1 ORDER BY t.id",
    ),
    Part(
        "mails",
        "mail",
        Words(
            "Mails to you; not the text of one that names somebody else or carries a code.",
            "Les courriels pour vous, sauf le texte de ceux qui nomment quelqu’un d’autre ou portent un code.",
        ),
        "id kind to_address language subject text state reply created_at finished_at",
        """SELECT to_jsonb(t) FROM mail t WHERE t.person_id = $1 OR (t.person_id IS NULL
           AND t.to_address IN (SELECT email FROM person_email WHERE person_id = $1)) ORDER BY t.id""",
    ),
    Part(
        "exports",
        "export",
        Words("Your exports, this one too.", "Vos exports, dont celui-ci."),
        "id asked_at as_of expires_at",
        "SELECT to_jsonb(t) - 'document' FROM export t WHERE t.person_id = $1 ORDER BY t.id",
    ),
)

TEXTS = frozenset({"title", "text", "subject"})
NOT_OF_ONESELF = frozenset(
    (
        *("application_submitted", "application_withdrawn", "applicant_refused", "hours_declared"),
        *("approval_asked", "hours_to_approve", "member_joined"),
        *("sign_in", "address_proof", "invitation"),
    )
)
"""Kinds whose text names somebody else, or carries a code: it is not given (RGPD art. 15 § 4)."""
