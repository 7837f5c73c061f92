-- An association gets its mail by a postcode of some département: a CEDEX too, which is no commune's.
CREATE FUNCTION require_postal_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.postal_code IS DISTINCT FROM OLD.postal_code AND NOT EXISTS (
        SELECT FROM commune, left(NEW.postal_code, 2) stem
        WHERE commune.postal_code BETWEEN stem || '000' AND stem || '999') THEN
        RAISE EXCEPTION 'an association has a French postcode'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'association_postal_code_known';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER association_place BEFORE INSERT OR UPDATE OF postal_code ON association FOR EACH ROW
    EXECUTE FUNCTION require_postal_code();
