-- What a company planned may be taken back until its day; what was once in force stays as it was.
CREATE FUNCTION keep_policy() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    today date := (SELECT (maillon_now() AT TIME ZONE time_zone)::date FROM company WHERE id = OLD.company_id);
BEGIN
    IF OLD.effective_from < today OR (TG_OP = 'DELETE' AND OLD.effective_from = today) THEN
        RAISE EXCEPTION 'the policy was in force'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_in_force_stays';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER policy_in_force_stays BEFORE UPDATE OR DELETE ON policy FOR EACH ROW EXECUTE FUNCTION keep_policy();
GRANT DELETE ON policy TO maillon_app;
