-- Names compared without accents or capitals, and an identifier with the one that it begins.
ALTER TABLE association ADD COLUMN name_key text NOT NULL DEFAULT '';
CREATE FUNCTION fold_association() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.name_key := folded(NEW.name);
    RETURN NEW;
END
$$;
CREATE TRIGGER association_folded BEFORE INSERT OR UPDATE OF name ON association FOR EACH ROW
    EXECUTE FUNCTION fold_association();
-- No edit of anybody: neither a version nor an audit event.
ALTER TABLE association DISABLE TRIGGER USER;
SET LOCAL ROLE maillon_ops;
UPDATE association SET name_key = folded(name);
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE association ENABLE TRIGGER USER;
DROP INDEX association_name_trigrams;
CREATE INDEX association_name_trigrams ON association USING gin (name_key gin_trgm_ops);
CREATE INDEX association_siren_of_siret ON association (left(siret, 9));

CREATE OR REPLACE FUNCTION duplicates_of(which uuid)
    RETURNS TABLE (id uuid, name text, state text, city text, reasons text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH it AS (SELECT *, coalesce(siren, left(siret, 9)) AS body FROM association WHERE association.id = which),
    candidate AS (
        SELECT other.* FROM it JOIN association other ON other.rna = it.rna
        UNION SELECT other.* FROM it JOIN association other ON other.siret = it.siret
        UNION SELECT other.* FROM it JOIN association other ON other.siren = it.body
        UNION SELECT other.* FROM it JOIN association other ON left(other.siret, 9) = it.body
        UNION SELECT other.* FROM it JOIN association other ON other.contact_email = it.contact_email
        UNION SELECT other.* FROM it JOIN association other
            ON other.name_key % it.name_key AND similarity(other.name_key, it.name_key) >= 0.6
               AND left(other.postal_code, 2) = left(it.postal_code, 2))
    SELECT c.id, c.name, c.state, c.city, array_remove(ARRAY[
               CASE WHEN c.rna = it.rna THEN 'rna' END,
               CASE WHEN it.body IN (c.siren, left(c.siret, 9)) THEN 'siren' END,
               CASE WHEN c.siret = it.siret THEN 'siret' END,
               CASE WHEN c.contact_email = it.contact_email THEN 'contact_email' END,
               CASE WHEN similarity(c.name_key, it.name_key) >= 0.6 THEN 'name' END], NULL)
    FROM it, candidate c WHERE c.id <> which AND c.state <> 'closed' ORDER BY c.name, c.id LIMIT 10
$$;

-- What is derived by itself is no act.
CREATE OR REPLACE FUNCTION audit_changes(before jsonb, after jsonb, shown text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN (
        SELECT coalesce(jsonb_object_agg(name, CASE WHEN name = ANY (shown) THEN
            CASE WHEN before ? name THEN jsonb_build_object('old', before -> name) ELSE '{}' END
            || CASE WHEN after ? name THEN jsonb_build_object('new', after -> name) ELSE '{}' END
            ELSE '{}' END), '{}')
        FROM jsonb_object_keys(before || after) name
        WHERE before -> name IS DISTINCT FROM after -> name
          AND (name = ANY (shown) OR (before <> '{}' AND after <> '{}'))
          AND name NOT IN ('version', 'taken', 'live', 'closes_on', 'last_used_at', 'updated_at', 'user_name_key',
                           'email_key', 'name_key'));
