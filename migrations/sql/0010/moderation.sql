-- What waits for a moderator: associations, missions, and what people flag.

ALTER TABLE association
    ADD COLUMN review_since timestamptz,
    ADD COLUMN review_reasons text[] NOT NULL DEFAULT '{}';
SET LOCAL ROLE maillon_ops;
UPDATE association SET (review_since, review_reasons) = (created_at, '{new}') WHERE state = 'unverified';
RESET ROLE;
ALTER TABLE association
    ADD CONSTRAINT association_unverified_is_reviewed CHECK (state <> 'unverified' OR review_since IS NOT NULL);
DROP INDEX association_waiting;
CREATE INDEX association_to_review ON association (review_since, id) WHERE review_since IS NOT NULL;

-- An identifier belongs to one verified association; whoever merely claims it keeps nobody else out.
ALTER TABLE association DROP CONSTRAINT association_rna_unique, DROP CONSTRAINT association_siret_unique;
CREATE UNIQUE INDEX association_rna_unique ON association (rna) WHERE state IN ('verified', 'suspended');
CREATE UNIQUE INDEX association_siret_unique ON association (siret) WHERE state IN ('verified', 'suspended');
CREATE INDEX association_rna ON association (rna);
CREATE INDEX association_siret ON association (siret);
CREATE INDEX association_siren ON association (siren);
CREATE INDEX association_contact ON association (contact_email);
CREATE INDEX association_name_trigrams ON association USING gin (name gin_trgm_ops);

-- Which other associations may be the same body, and what says so.
CREATE FUNCTION duplicates_of(which uuid)
    RETURNS TABLE (id uuid, name text, state text, city text, reasons text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH it AS (SELECT * FROM association WHERE association.id = which),
    candidate AS (
        SELECT other.* FROM it JOIN association other ON other.rna = it.rna
        UNION SELECT other.* FROM it JOIN association other ON other.siret = it.siret
        UNION SELECT other.* FROM it JOIN association other ON other.siren = it.siren
        UNION SELECT other.* FROM it JOIN association other ON other.contact_email = it.contact_email
        UNION SELECT other.* FROM it JOIN association other
            ON other.name % it.name AND similarity(other.name, it.name) >= 0.6
               AND left(other.postal_code, 2) = left(it.postal_code, 2))
    SELECT c.id, c.name, c.state, c.city, array_remove(ARRAY[
               CASE WHEN c.rna = it.rna THEN 'rna' END, CASE WHEN c.siren = it.siren THEN 'siren' END,
               CASE WHEN c.siret = it.siret THEN 'siret' END,
               CASE WHEN c.contact_email = it.contact_email THEN 'contact_email' END,
               CASE WHEN similarity(c.name, it.name) >= 0.6 THEN 'name' END], NULL)
    FROM it, candidate c WHERE c.id <> which AND c.state <> 'closed' ORDER BY c.name, c.id LIMIT 10
$$;

CREATE TABLE flag (
    id uuid PRIMARY KEY,
    mission_id uuid NOT NULL REFERENCES mission,
    association_id uuid NOT NULL,
    person_id uuid NOT NULL REFERENCES person,
    reason text NOT NULL,
    text text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    outcome text,
    resolved_by uuid,
    resolved_at timestamptz
);
ALTER TABLE flag
    ADD CONSTRAINT flag_reason_known CHECK (reason IN ('misleading', 'inappropriate', 'disguised_work', 'spam', 'other')),
    ADD CONSTRAINT flag_outcome_known CHECK (outcome IN ('upheld', 'dismissed')),
    ADD CONSTRAINT flag_resolved_with_outcome CHECK (num_nonnulls(outcome, resolved_at, resolved_by) IN (0, 3)),
    ADD CONSTRAINT flag_not_resolved_by_author CHECK (resolved_by <> person_id),
    ADD CONSTRAINT flag_mission_tenant FOREIGN KEY (mission_id, association_id) REFERENCES mission (id, association_id);
CREATE UNIQUE INDEX flag_one_open ON flag (mission_id, person_id) WHERE resolved_at IS NULL;
CREATE INDEX flag_open ON flag (created_at, id) WHERE resolved_at IS NULL;
CREATE INDEX flag_of_mission ON flag (mission_id, association_id);
CREATE INDEX flag_of_person ON flag (person_id);

-- The association never learns who flagged.
ALTER TABLE flag ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY flag_seen ON flag FOR SELECT USING (person_id = app_person() OR app_is('moderator', 'system'));
CREATE POLICY flag_raised ON flag FOR INSERT WITH CHECK (person_id = app_person());
CREATE POLICY flag_resolved ON flag FOR UPDATE USING (app_is('moderator'));
GRANT SELECT, INSERT, UPDATE, DELETE ON flag TO maillon_app, maillon_ops;
REVOKE DELETE ON flag FROM maillon_app;
CREATE TRIGGER flag_of_living_person BEFORE INSERT ON flag FOR EACH ROW EXECUTE FUNCTION require_living_person();

-- What the erased wrote goes; that they flagged stays under an id alone.
CREATE FUNCTION forget_flags() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE flag SET text = '' WHERE person_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER person_flags AFTER UPDATE ON person FOR EACH ROW
    WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION forget_flags();
