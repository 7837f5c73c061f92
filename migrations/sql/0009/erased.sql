-- To a company's directory, who was erased is gone: no User, and in no Group.
CREATE FUNCTION leave_the_directory() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.deleted_at := coalesce(NEW.deleted_at, maillon_now());
    RETURN NEW;
END
$$;
CREATE TRIGGER employee_leaves_the_directory BEFORE UPDATE ON employee FOR EACH ROW
    WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION leave_the_directory();

CREATE FUNCTION leave_groups() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM scim_group_member WHERE company_id = NEW.company_id AND employee_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER employee_leaves_groups AFTER UPDATE ON employee FOR EACH ROW
    WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION leave_groups();

-- A group is of those who are there.
CREATE FUNCTION require_member_of_directory() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM employee WHERE id = NEW.employee_id AND deleted_at IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such User'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'scim_group_member_of_employee';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER scim_group_member_is_there BEFORE INSERT ON scim_group_member FOR EACH ROW
    EXECUTE FUNCTION require_member_of_directory();

CREATE INDEX employee_number_of_company ON employee (company_id, employee_number) WHERE employee_number IS NOT NULL;
