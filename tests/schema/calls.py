"""A request for each operation: what the permission matrix asks, of the objects of its cast."""

from typing import Any, NamedTuple


class Call(NamedTuple):
    """A request; the path names ids of the cast in braces.

    `public`: its object is anybody's to see. `tagged`: it names the version it is about, as every PATCH does.
    """

    method: str
    path: str
    body: Any = None
    public: bool = False
    tagged: bool = False


MISSION = {"association_id": "{association_id}", "title": "Refondre notre site web"}
COMPANY = {"slug": "matrice", "name": "Matrice", "siren": "999999998", "admin_email": "rh@matrice.example"}
ASSOCIATION = {
    "name": "Les amis du livre",
    "legal_form": "association",
    "purpose": "Lire ensemble.",
    "address": {"postal_code": "69007", "city": "Lyon"},
    "causes": ["education"],
    "contact_email": "contact@livre.example",
}
PROVIDER = {"issuer": "https://identite.matrice.example", "audience": "maillon"}
REPORT = "reports/engagement?from=2026-01-01&to=2026-12-31&by=month"
NOBODY = "00000000-0000-7000-8000-000000000000"
FEEDBACK = {"again": True, "deliverable_used": "yes"}
REASON = {"reason": "Une raison."}
REASONS = {"reasons": ["Une raison."]}
_COMPANY = "/v1/companies/{company_id}"
_ASSOCIATION = "/v1/associations/{association_id}"
_EMPLOYEE = _COMPANY + "/employees/{employee_id}"
_PROVIDER = _COMPANY + "/identity-providers/{provider_id}"
_APPLICATION = "/v1/applications/{application_id}"

CALLS: dict[str, Call] = {
    "health": Call("GET", "/healthz", public=True),
    "getReadiness": Call("GET", "/readyz", public=True),
    "getMetrics": Call("GET", "/metrics", public=True),
    "getMe": Call("GET", "/v1/me"),
    "updateMe": Call("PATCH", "/v1/me", {"language": "en"}),
    "addMyEmail": Call("POST", "/v1/me/emails", {"email": "moi@matrice.example"}),
    "eraseMe": Call("DELETE", "/v1/me"),
    "exportMyData": Call("POST", "/v1/me/export"),
    "getExport": Call("GET", "/v1/exports/{export_id}"),
    "downloadExport": Call("GET", "/v1/exports/{export_id}/document"),
    "setPlatformRoles": Call("PUT", "/v1/persons/{applicant_id}/platform-roles", {"roles": ["moderator"]}),
    "startMagicLink": Call("POST", "/v1/auth/magic-links", {"email": "qui@matrice.example"}, public=True),
    "redeemMagicLink": Call("POST", "/v1/auth/sessions", {"code": "x", "request": "x"}, public=True),
    "startCompanyLogin": Call("GET", "/v1/auth/companies/{slug}/login", public=True),
    "finishCompanyLogin": Call("GET", "/v1/auth/callback?state=x&code=x", public=True),
    "listSessions": Call("GET", "/v1/auth/sessions"),
    "endSession": Call("DELETE", "/v1/auth/sessions/current"),
    "revokeSession": Call("DELETE", "/v1/auth/sessions/{session_id}"),
    "createApiKey": Call(
        "POST", "/v1/organisations/{company_id}/api-keys", {"name": "Tableur", "scopes": ["ledger:read"]}
    ),
    "listApiKeys": Call("GET", "/v1/organisations/{association_id}/api-keys", public=True),
    "revokeApiKey": Call("DELETE", "/v1/organisations/{company_id}/api-keys/{company_key_id}"),
    "createScimToken": Call("POST", _COMPANY + "/scim-tokens", {"name": "Annuaire"}),
    "listScimTokens": Call("GET", _COMPANY + "/scim-tokens"),
    "revokeScimToken": Call("DELETE", _COMPANY + "/scim-tokens/{scim_token_id}"),
    "registerAssociation": Call("POST", "/v1/associations", ASSOCIATION),
    "listAssociations": Call("GET", "/v1/associations", public=True),
    "getAssociation": Call("GET", _ASSOCIATION, public=True),
    "updateAssociation": Call("PATCH", _ASSOCIATION, {"website": None}, public=True),
    "verifyAssociation": Call("POST", "/v1/associations/{unverified_id}/verify", public=True),
    "refuseAssociation": Call("POST", "/v1/associations/{unverified_id}/refuse", REASONS, public=True),
    "suspendAssociation": Call("POST", _ASSOCIATION + "/suspend", REASON, public=True),
    "reinstateAssociation": Call("POST", "/v1/associations/{suspended_id}/reinstate", public=True),
    "closeAssociation": Call("POST", _ASSOCIATION + "/close", public=True),
    "listMembers": Call("GET", _ASSOCIATION + "/members", public=True),
    "inviteMember": Call(
        "POST", _ASSOCIATION + "/members", {"email": "a@matrice.example", "role": "owner"}, public=True
    ),
    "listInvitations": Call("GET", _ASSOCIATION + "/invitations", public=True),
    "updateMember": Call("PATCH", _ASSOCIATION + "/members/{person_id}", {"role": "owner"}, public=True),
    "removeMember": Call("DELETE", _ASSOCIATION + "/members/{person_id}", public=True),
    "acceptInvitation": Call("POST", "/v1/invitations/unknown/accept"),
    "revokeInvitation": Call("DELETE", "/v1/invitations/{invitation_id}"),
    "listAssociationMissions": Call("GET", _ASSOCIATION + "/missions", public=True),
    "listAssociationApplications": Call("GET", _ASSOCIATION + "/applications", public=True),
    "listAssociationHours": Call("GET", _ASSOCIATION + "/hours", public=True),
    "listAssociationAuditEvents": Call("GET", _ASSOCIATION + "/audit-events", public=True),
    "createCompany": Call("POST", "/v1/companies", COMPANY),
    "getCompany": Call("GET", _COMPANY),
    "updateCompany": Call("PATCH", _COMPANY, {"name": "Autre"}),
    "getPolicy": Call("GET", _COMPANY + "/policy"),
    "putPolicy": Call("PUT", _COMPANY + "/policy", {"approval": "hr"}),
    "listPolicies": Call("GET", _COMPANY + "/policies"),
    "deletePolicy": Call("DELETE", _COMPANY + "/policies/{planned_on}"),
    "listEmployees": Call("GET", _COMPANY + "/employees"),
    "getEmployee": Call("GET", _EMPLOYEE),
    "updateEmployee": Call("PATCH", _EMPLOYEE, {"department": "Finances"}),
    "deactivateEmployee": Call("POST", _EMPLOYEE + "/deactivate"),
    "reactivateEmployee": Call("POST", _EMPLOYEE + "/reactivate"),
    "importEmployees": Call("POST", _COMPANY + "/employees/import", {"csv": "external_id\nM-1"}),
    "listIdentityProviders": Call("GET", _COMPANY + "/identity-providers"),
    "createIdentityProvider": Call("POST", _COMPANY + "/identity-providers", PROVIDER),
    "updateIdentityProvider": Call("PATCH", _PROVIDER, {"audience": "autre"}),
    "deleteIdentityProvider": Call("DELETE", _PROVIDER),
    "checkIdentityProvider": Call("POST", _PROVIDER + "/check", {}),
    "listAuditEvents": Call("GET", _COMPANY + "/audit-events"),
    "listCompanyApplications": Call("GET", _COMPANY + "/applications"),
    "listCompanyHours": Call("GET", _COMPANY + "/hours"),
    "listLedger": Call("GET", _COMPANY + "/ledger"),
    "getEngagementReport": Call("GET", f"{_COMPANY}/{REPORT}"),
    "searchMissions": Call("GET", "/v1/missions", public=True),
    "createMission": Call("POST", "/v1/missions", MISSION, public=True),
    "getMission": Call("GET", "/v1/missions/{draft_id}"),
    "updateMission": Call("PATCH", "/v1/missions/{draft_id}", {"places": 2}),
    "duplicateMission": Call("POST", "/v1/missions/{draft_id}/duplicate"),
    "deleteMission": Call("DELETE", "/v1/missions/{draft_id}"),
    "pauseMission": Call("POST", "/v1/missions/{mission_id}/pause", public=True),
    "resumeMission": Call("POST", "/v1/missions/{mission_id}/resume", public=True),
    "startMission": Call("POST", "/v1/missions/{mission_id}/start", public=True),
    "completeMission": Call("POST", "/v1/missions/{mission_id}/complete", public=True),
    "cancelMission": Call("POST", "/v1/missions/{mission_id}/cancel", REASON, public=True),
    "flagMission": Call("POST", "/v1/missions/{mission_id}/flags", {"reason": "spam"}, public=True),
    "resolveFlag": Call("POST", "/v1/flags/{flag_id}/resolve", {"outcome": "dismissed"}),
    "listModerationQueue": Call("GET", "/v1/moderation/queue"),
    "submitMission": Call("POST", "/v1/missions/{draft_id}/submit"),
    "publishMission": Call("POST", "/v1/missions/{submitted_id}/publish", tagged=True),
    "rejectMission": Call("POST", "/v1/missions/{submitted_id}/reject", REASONS, tagged=True),
    "listSkills": Call("GET", "/v1/skills?q=compta", public=True),
    "getSkill": Call("GET", "/v1/skills/accounting", public=True),
    "listCauses": Call("GET", "/v1/causes", public=True),
    "listMissionTemplates": Call("GET", "/v1/mission-templates", public=True),
    "listMissionApplications": Call("GET", "/v1/missions/{mission_id}/applications", public=True),
    "applyToMission": Call(
        "POST", "/v1/missions/{mission_id}/applications", {"regime": "personal_time"}, public=True
    ),
    "listMyApplications": Call("GET", "/v1/me/applications"),
    "createCalendarFeed": Call("POST", "/v1/me/calendar-feed"),
    "getCalendarFeed": Call("GET", "/v1/calendars/unknown.ics", public=True),
    "getMyAllowance": Call("GET", "/v1/me/allowance"),
    "getApplication": Call("GET", _APPLICATION),
    "acceptApplication": Call("POST", _APPLICATION + "/accept"),
    "declineApplication": Call("POST", _APPLICATION + "/decline", {"reason": "other"}),
    "shortlistApplication": Call("POST", _APPLICATION + "/shortlist"),
    "waitlistApplication": Call("POST", _APPLICATION + "/waitlist"),
    "reopenApplication": Call("POST", _APPLICATION + "/reopen"),
    "cancelApplication": Call("POST", "/v1/applications/{engaged_id}/cancel", REASON),
    "markNoShow": Call("POST", "/v1/applications/{done_id}/no-show"),
    "completeApplication": Call("POST", "/v1/applications/{engaged_id}/complete"),
    "acceptManyApplications": Call("POST", "/v1/applications/accept", {"ids": [NOBODY]}, public=True),
    "declineManyApplications": Call("POST", "/v1/applications/decline", {"ids": [NOBODY]}, public=True),
    "acceptOffer": Call("POST", _APPLICATION + "/accept-offer"),
    "sendMessage": Call("POST", _APPLICATION + "/messages", {"text": "Bonjour"}),
    "listMessages": Call("GET", _APPLICATION + "/messages"),
    "proposeChange": Call("POST", "/v1/applications/{engaged_id}/changes", {"effort_minutes": 1500}),
    "listChanges": Call("GET", "/v1/applications/{engaged_id}/changes"),
    "acceptChange": Call("POST", "/v1/changes/{change_id}/accept"),
    "declineChange": Call("POST", "/v1/changes/{change_id}/decline"),
    "withdrawChange": Call("POST", "/v1/changes/{change_id}/withdraw"),
    "giveFeedback": Call("POST", "/v1/applications/{done_id}/feedback", FEEDBACK),
    "withdrawApplication": Call("POST", _APPLICATION + "/withdraw", {"reason": "other"}),
    "approveApplication": Call("POST", _APPLICATION + "/approve"),
    "refuseApplication": Call("POST", _APPLICATION + "/refuse", REASON),
    "listHours": Call("GET", "/v1/applications/{engaged_id}/hours"),
    "declareHours": Call(
        "POST", "/v1/applications/{engaged_id}/hours", {"worked_on": "{day}", "minutes": 30}
    ),
    "listMyHours": Call("GET", "/v1/me/hours"),
    "getHours": Call("GET", "/v1/hours/{hours_id}"),
    "confirmHours": Call("POST", "/v1/hours/{hours_id}/confirm"),
    "acceptHours": Call("POST", "/v1/hours/{lowered_id}/accept"),
    "cancelHours": Call("POST", "/v1/hours/{hours_id}/cancel"),
    "approveHours": Call("POST", "/v1/hours/{confirmed_id}/approve"),
    "rejectHours": Call("POST", "/v1/hours/{confirmed_id}/reject", REASON),
    "listNotifications": Call("GET", "/v1/me/notifications"),
    "readNotification": Call("POST", "/v1/me/notifications/{notification_id}/read"),
    "readAllNotifications": Call("POST", "/v1/me/notifications/read"),
}
"""By operationId; an operation without one fails the suite."""
PERSONAL = {
    "getApplication": Call("GET", "/v1/applications/{personal_id}"),
    "acceptApplication": Call("POST", "/v1/applications/{personal_id}/accept"),
    "approveApplication": Call("POST", "/v1/applications/{personal_id}/approve"),
    "listHours": Call("GET", "/v1/applications/{personal_id}/hours"),
}
"""The same of an application on personal time: to everybody of the employer it is not there."""
