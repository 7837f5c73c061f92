-- What replaces a skill takes over its names, and what it had replaced: no chain is longer than one.
ALTER TABLE skill ADD COLUMN names text[] NOT NULL DEFAULT '{}';
CREATE OR REPLACE FUNCTION fold_skill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.label_fr_key := folded(NEW.label_fr);
    NEW.label_en_key := folded(NEW.label_en);
    NEW.names := array_remove(ARRAY[NEW.label_fr_key, NEW.label_en_key]
        || ARRAY(SELECT folded(alias) FROM unnest(NEW.aliases || NEW.imported_aliases) alias)
        || ARRAY(SELECT unnest(names) FROM skill WHERE replaced_by = NEW.id), '');
    NEW.search := ' ' || array_to_string(NEW.names, ' ');
    RETURN NEW;
END
$$;
CREATE FUNCTION follow_replacement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE skill SET replaced_by = NEW.replaced_by WHERE replaced_by = NEW.id AND NEW.replaced_by IS NOT NULL;
    UPDATE skill SET names = '{}' WHERE id IN (OLD.replaced_by, NEW.replaced_by);
    RETURN NULL;
END
$$;
CREATE TRIGGER skill_followed AFTER UPDATE ON skill FOR EACH ROW
    WHEN ((OLD.names, OLD.replaced_by) IS DISTINCT FROM (NEW.names, NEW.replaced_by))
    EXECUTE FUNCTION follow_replacement();

UPDATE skill SET names = '{}';
UPDATE skill s SET replaced_by = r.replaced_by FROM skill r WHERE r.id = s.replaced_by AND r.replaced_by IS NOT NULL;
CREATE INDEX skill_names ON skill USING gin (names) WITH (fastupdate = off);

-- The skills that a mission or a template names, by those in use: once each, as high and as essential as any asks.
CREATE FUNCTION living_skills(named jsonb) RETURNS jsonb LANGUAGE sql STABLE
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object('skill', id, 'level', level, 'essential', essential)
                                  ORDER BY place), '[]')
        FROM (SELECT living.id, max((one ->> 'level')::integer) AS level,
                     bool_or((one ->> 'essential')::boolean) AS essential, min(place) AS place
              FROM jsonb_array_elements(named) WITH ORDINALITY AS each (one, place)
              JOIN skill given ON given.id = one ->> 'skill'
              JOIN skill living ON living.id = coalesce(given.replaced_by, given.id) AND living.deprecated_at IS NULL
              GROUP BY living.id) living);
