-- Administrators answer in HR's place: for everybody where a company has no HR, else for the only one of it.
DROP FUNCTION stands_in_for_hr(uuid);
CREATE FUNCTION stood_in_for(OUT everybody boolean, OUT only_one uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT count(*) = 0, CASE count(*) WHEN 1 THEN (array_agg(person_id))[1] END
    FROM employee WHERE company_id = app_company() AND active AND 'hr' = ANY (roles || group_roles)
$$;
CREATE FUNCTION app_stood_in() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.stood_in', true), '')::uuid;
ALTER POLICY application_seen ON application USING (
    person_id = app_person() OR association_id = ANY (app_associations())
    OR (company_id = app_company() AND (app_is('system') OR (regime = 'working_time'
        AND (app_is('hr') OR manager_id = app_employee() OR person_id = app_stood_in())))));
ALTER POLICY hours_entry_seen ON hours_entry USING (
    person_id = app_person() OR association_id = ANY (app_associations())
    OR (company_id = app_company() AND (app_is('system') OR (regime = 'working_time'
        AND (app_is('hr') OR manager_id = app_employee() OR person_id = app_stood_in())))));
