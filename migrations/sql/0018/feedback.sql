-- What both sides say at the end, each for itself: shown by fives alone, and never again apart.
CREATE TABLE feedback (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES application,
    association_id uuid NOT NULL,
    person_id uuid NOT NULL,
    from_association boolean NOT NULL,
    again boolean NOT NULL,
    deliverable_used text,
    given_at timestamptz NOT NULL,
    counted boolean NOT NULL DEFAULT false,
    CONSTRAINT feedback_once_a_side UNIQUE (application_id, from_association),
    CONSTRAINT feedback_use_known CHECK (deliverable_used IN ('yes', 'partly', 'no', 'not_yet')),
    CONSTRAINT feedback_use_is_the_associations CHECK (from_association = (deliverable_used IS NOT NULL))
);
CREATE INDEX feedback_to_count ON feedback (association_id, from_association) WHERE NOT counted;
CREATE INDEX feedback_of_person ON feedback (person_id);
ALTER TABLE feedback ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- Each side its own: neither the other one, nor an employer, reads a single answer.
CREATE POLICY feedback_own ON feedback USING (
    CASE WHEN from_association THEN association_id = ANY (app_associations()) ELSE person_id = app_person() END);
GRANT SELECT, INSERT, UPDATE ON feedback TO maillon_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON feedback TO maillon_ops;

-- Figures that anyone may read. They stand alone: what is erased, or said anew, moves none.
CREATE TABLE feedback_total (
    id uuid PRIMARY KEY,
    association_id uuid NOT NULL,
    from_association boolean NOT NULL,
    answers integer NOT NULL DEFAULT 0,
    again integer NOT NULL DEFAULT 0,
    used integer NOT NULL DEFAULT 0,
    CONSTRAINT feedback_total_of_side UNIQUE (association_id, from_association),
    CONSTRAINT feedback_total_of_five CHECK (answers = 0 OR answers >= 5),
    CONSTRAINT feedback_total_parts CHECK (again BETWEEN 0 AND answers AND used BETWEEN 0 AND answers)
);
ALTER TABLE feedback_total ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY feedback_total_read ON feedback_total FOR SELECT USING (true);
GRANT SELECT ON feedback_total TO maillon_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON feedback_total TO maillon_ops;

-- The application's row keeps it from becoming a no-show meanwhile.
CREATE FUNCTION require_completed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM application WHERE id = NEW.application_id AND state = 'completed'
        AND maillon_now() < ended_at + interval '90 days' FOR NO KEY UPDATE;
    IF NOT FOUND OR (TG_OP = 'UPDATE' AND OLD.counted) THEN
        RAISE EXCEPTION 'nothing is said of it any more'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'feedback_in_time';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER feedback_of_completed BEFORE INSERT OR UPDATE OF again, deliverable_used ON feedback FOR EACH ROW
    EXECUTE FUNCTION require_completed();

-- Answers are added to the figures when those about five different people wait, all of them together: a figure that
-- moved with each answer would tell it. The total's row lines up two who answer at once.
CREATE FUNCTION count_feedback() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO feedback_total (id, association_id, from_association)
    VALUES (uuidv7(), NEW.association_id, NEW.from_association) ON CONFLICT DO NOTHING;
    PERFORM FROM feedback_total
    WHERE association_id = NEW.association_id AND from_association = NEW.from_association FOR UPDATE;
    IF (SELECT count(DISTINCT person_id) FROM feedback WHERE association_id = NEW.association_id
        AND from_association = NEW.from_association AND NOT counted) >= 5 THEN
        WITH told AS (
            UPDATE feedback SET counted = true
            WHERE association_id = NEW.association_id AND from_association = NEW.from_association AND NOT counted
            RETURNING feedback.again, deliverable_used
        ), more AS (
            SELECT count(*) AS answers, count(*) FILTER (WHERE told.again) AS again,
                   count(*) FILTER (WHERE deliverable_used IN ('yes', 'partly')) AS used
            FROM told
        )
        UPDATE feedback_total t SET answers = t.answers + m.answers, again = t.again + m.again, used = t.used + m.used
        FROM more m WHERE t.association_id = NEW.association_id AND t.from_association = NEW.from_association;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER feedback_counted AFTER INSERT ON feedback FOR EACH ROW EXECUTE FUNCTION count_feedback();

-- What the erased said, and what was said of them.
CREATE FUNCTION forget_feedback() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM feedback WHERE person_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER person_feedback AFTER UPDATE ON person FOR EACH ROW
    WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION forget_feedback();
