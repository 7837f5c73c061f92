-- Whether rules on wording wait for a moderator's word among the reasons to read a mission. A test compares.
CREATE FUNCTION is_contested(reasons text[]) RETURNS boolean LANGUAGE sql IMMUTABLE
    RETURN reasons && ARRAY['title-too-short', 'contact-details', 'link'];

SET LOCAL ROLE maillon_ops;
UPDATE mission SET state = 'paused', state_reason = 'contested'
WHERE state = 'published' AND is_contested(review_reasons);
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE mission ADD CONSTRAINT mission_contested_is_not_public
    CHECK (state <> 'published' OR NOT is_contested(review_reasons));

-- What is contested is decided by a moderator, or corrected.
CREATE FUNCTION keep_contested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT app_moderates(NEW.association_id) THEN
        RAISE EXCEPTION 'a moderator decides on what is contested'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mission_contested_until_read';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER mission_contested_until_read BEFORE UPDATE ON mission FOR EACH ROW
    WHEN (is_contested(OLD.review_reasons) AND NOT is_contested(NEW.review_reasons)
          AND NEW.state NOT IN ('draft', 'submitted', 'rejected')
          AND (OLD.title, OLD.summary, OLD.description, OLD.deliverable, OLD.location_label, OLD.prerequisites, OLD.steps)
              IS NOT DISTINCT FROM
              (NEW.title, NEW.summary, NEW.description, NEW.deliverable, NEW.location_label, NEW.prerequisites, NEW.steps))
    EXECUTE FUNCTION keep_contested();

-- As before, but a review that its author's correction ends is no decision.
DROP TRIGGER mission_decided ON mission;
CREATE TRIGGER mission_decided AFTER UPDATE ON mission FOR EACH ROW
    WHEN (OLD.state = NEW.state
          AND ((OLD.review_since IS NOT NULL AND NEW.review_since IS NULL AND app_moderates(NEW.association_id))
               OR OLD.state_reason IS DISTINCT FROM NEW.state_reason))
    EXECUTE FUNCTION record_state();

-- As before, but what was contested meanwhile waits on for a moderator.
CREATE OR REPLACE FUNCTION move_missions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    CASE NEW.state
        WHEN 'suspended' THEN
            PERFORM FROM mission WHERE association_id = NEW.id AND state IN ('published', 'paused', 'in_progress')
            ORDER BY id FOR UPDATE;
            UPDATE mission SET state = 'paused', state_reason = 'association_suspended'
            WHERE association_id = NEW.id AND state = 'published';
        WHEN 'verified' THEN
            UPDATE mission SET state = CASE WHEN is_contested(review_reasons) THEN 'paused' ELSE 'published' END,
                               state_reason = CASE WHEN is_contested(review_reasons) THEN 'contested' END
            WHERE id IN (SELECT id FROM mission WHERE association_id = NEW.id AND state = 'paused'
                         AND state_reason = 'association_suspended' ORDER BY id FOR UPDATE);
        WHEN 'closed', 'refused' THEN
            IF EXISTS (SELECT FROM mission WHERE association_id = NEW.id
                       AND state IN ('submitted', 'published', 'paused', 'in_progress')) THEN
                RAISE EXCEPTION 'an association ends without live missions'
                    USING ERRCODE = 'check_violation', CONSTRAINT = CASE NEW.state
                        WHEN 'closed' THEN 'association_closes_without_missions'
                        ELSE 'association_refused_without_missions' END;
            END IF;
        ELSE
    END CASE;
    RETURN NULL;
END
$$;
