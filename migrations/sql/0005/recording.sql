-- The log is written by triggers, in the act's own transaction: no path can forget it.

-- The associations whose walls the caller was let in for this act, without being of theirs.
CREATE FUNCTION app_guest() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(nullif(current_setting('app.guest', true), '')::uuid[], '{}');

-- What changed, by column: old and new value where the column is one of those shown, else its name alone. What
-- begins or ends shows its values. What triggers count, stamp or derive by themselves is no act.
CREATE FUNCTION audit_changes(before jsonb, after jsonb, shown text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN (
        SELECT coalesce(jsonb_object_agg(name, CASE WHEN name = ANY (shown) THEN
            CASE WHEN before ? name THEN jsonb_build_object('old', before -> name) ELSE '{}' END
            || CASE WHEN after ? name THEN jsonb_build_object('new', after -> name) ELSE '{}' END
            ELSE '{}' END), '{}')
        FROM jsonb_object_keys(before || after) name
        WHERE before -> name IS DISTINCT FROM after -> name
          AND (name = ANY (shown) OR (before <> '{}' AND after <> '{}'))
          AND name NOT IN ('version', 'taken', 'last_used_at', 'updated_at', 'user_name_key', 'email_key'));

CREATE FUNCTION audit_verb(operation text, before jsonb, after jsonb) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN operation = 'INSERT' THEN 'created'
        WHEN operation = 'DELETE' THEN 'deleted'
        WHEN before ->> 'state' <> after ->> 'state' THEN after ->> 'state'
        WHEN before ->> 'accepted_at' IS NULL AND after ->> 'accepted_at' IS NOT NULL THEN 'accepted'
        WHEN before ->> 'revoked_at' IS NULL AND after ->> 'revoked_at' IS NOT NULL THEN 'revoked'
        WHEN before ->> 'active' <> after ->> 'active' THEN
            CASE after ->> 'active' WHEN 'true' THEN 'reactivated' ELSE 'deactivated' END
        ELSE 'updated' END;

-- Arguments: the object's name, the columns whose values are shown (codes, ids, numbers, dates: never what
-- somebody wrote), and those by which the employer's word on a row of both sides is known from the association's.
CREATE FUNCTION record_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    before jsonb := CASE TG_OP WHEN 'INSERT' THEN '{}' WHEN 'DELETE' THEN jsonb_strip_nulls(to_jsonb(OLD))
                    ELSE to_jsonb(OLD) END;
    after jsonb := CASE TG_OP WHEN 'INSERT' THEN jsonb_strip_nulls(to_jsonb(NEW)) WHEN 'DELETE' THEN '{}'
                   ELSE to_jsonb(NEW) END;
    subject jsonb := before || after;
    changed jsonb := audit_changes(before, after, TG_ARGV[1]::text[]);
    association uuid := subject ->> CASE TG_TABLE_NAME WHEN 'association' THEN 'id' ELSE 'association_id' END;
    -- What somebody does on personal time is no event of their company's.
    company uuid := CASE WHEN subject ->> 'regime' IS DISTINCT FROM 'personal_time' THEN
                    subject ->> CASE TG_TABLE_NAME WHEN 'company' THEN 'id' ELSE 'company_id' END END;
    actor uuid := app_person();
    own boolean := coalesce(actor::text IN (subject ->> 'person_id', subject ->> 'accepted_by'), false);
    -- Somebody let in to make a company bears its id as their employee's.
    for_company boolean := coalesce(app_company() = company AND app_employee() <> company, false);
    for_association boolean := coalesce(association = ANY (app_associations())
                                        AND association <> ALL (app_guest()), false);
    for_platform boolean;
BEGIN
    IF TG_OP = 'UPDATE' AND changed = '{}' THEN
        RETURN NULL;
    END IF;
    -- Who belongs to both acts for the side whose word it is: their employer does not learn of their association.
    for_company := for_company AND (NOT for_association OR coalesce(changed ?| TG_ARGV[2]::text[], false));
    for_association := for_association AND NOT for_company;
    for_platform := NOT (own OR for_company OR for_association) AND app_is('moderator', 'facilitator', 'admin');
    WITH event AS (
        INSERT INTO audit_event (id, tenant_kind, tenant_id, at, actor_kind, actor_id, action, object_type,
                                 object_id, changes)
        SELECT uuidv7(), log.kind, log.tenant, maillon_now(),
               CASE WHEN actor IS NULL THEN 'system'
                    WHEN log.named THEN coalesce(nullif(current_setting('app.actor', true), ''), 'person')
                    ELSE log.other END,
               CASE WHEN log.named THEN actor END,
               TG_ARGV[0] || '.' || audit_verb(TG_OP, before, after), TG_ARGV[0], (subject ->> 'id')::uuid, changed
        -- Across the wall an act is its side's, not a person's.
        FROM (VALUES
            ('company', company, own OR for_company,
             CASE WHEN for_platform OR association IS NULL THEN 'platform' ELSE 'association' END),
            ('association', association, own OR for_association,
             CASE WHEN for_platform OR company IS NULL THEN 'platform' ELSE 'company' END),
            ('platform', CASE WHEN for_platform OR coalesce(company, association) IS NULL THEN platform_tenant() END,
             true, NULL)) log (kind, tenant, named, other)
        WHERE log.tenant IS NOT NULL
        RETURNING id, tenant_id)
    INSERT INTO audit_seal (event_id, tenant_id) SELECT id, tenant_id FROM event;
    RETURN NULL;
END
$$;

CREATE TRIGGER association_audit AFTER INSERT OR UPDATE OR DELETE ON association FOR EACH ROW
    EXECUTE FUNCTION record_audit('association', '{state,causes,public_interest}');
CREATE TRIGGER association_member_audit AFTER INSERT OR UPDATE OR DELETE ON association_member FOR EACH ROW
    EXECUTE FUNCTION record_audit('member', '{person_id,role}');
CREATE TRIGGER invitation_audit AFTER INSERT OR UPDATE OR DELETE ON invitation FOR EACH ROW
    EXECUTE FUNCTION record_audit('invitation', '{role,expires_at,accepted_at,accepted_by,revoked_at}');
CREATE TRIGGER company_audit AFTER INSERT OR UPDATE OR DELETE ON company FOR EACH ROW
    EXECUTE FUNCTION record_audit('company', '{siren,time_zone}');
CREATE TRIGGER employee_audit AFTER INSERT OR UPDATE OR DELETE ON employee FOR EACH ROW
    EXECUTE FUNCTION record_audit('employee', '{roles,group_roles,active,manager_id}');
CREATE TRIGGER policy_audit AFTER INSERT OR UPDATE OR DELETE ON policy FOR EACH ROW
    EXECUTE FUNCTION record_audit('policy',
        '{effective_from,regimes,legal_form,approval,hours_approval,just_in_time}');
CREATE TRIGGER identity_provider_audit AFTER INSERT OR UPDATE OR DELETE ON identity_provider FOR EACH ROW
    EXECUTE FUNCTION record_audit('identity_provider', '{}');
CREATE TRIGGER platform_role_audit AFTER INSERT OR UPDATE OR DELETE ON platform_role FOR EACH ROW
    EXECUTE FUNCTION record_audit('platform_role', '{person_id,role}');
CREATE TRIGGER api_key_audit AFTER INSERT OR UPDATE OR DELETE ON api_key FOR EACH ROW
    EXECUTE FUNCTION record_audit('api_key', '{scopes,expires_at,revoked_at}');
CREATE TRIGGER mission_audit AFTER INSERT OR UPDATE OR DELETE ON mission FOR EACH ROW
    EXECUTE FUNCTION record_audit('mission',
        '{state,format,causes,places,effort_minutes,regimes,remote,time_zone,starts_on,ends_on,apply_by,languages,published_at}');
CREATE TRIGGER application_audit AFTER INSERT OR UPDATE OR DELETE ON application FOR EACH ROW
    EXECUTE FUNCTION record_audit('application', '{mission_id,regime,legal_form,state,employer_approval}',
        '{employer_approval}');
CREATE TRIGGER hours_entry_audit AFTER INSERT OR UPDATE OR DELETE ON hours_entry FOR EACH ROW
    EXECUTE FUNCTION record_audit('hours',
        '{application_id,mission_id,regime,state,worked_on,minutes,declared_minutes}', '{approved_by}');
