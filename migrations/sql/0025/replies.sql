-- A reply that was missed stays missed, and one given in time keeps its delay, whatever is reopened since.
-- `reply_since`: when the present date was set, where that was not with the application.
ALTER TABLE application ADD COLUMN missed_at timestamptz, ADD COLUMN reply_since timestamptz;

CREATE OR REPLACE FUNCTION stamp_application() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('submitted', 'shortlisted') THEN
        IF NEW.state IN ('accepted', 'declined', 'waitlisted') THEN
            NEW.replied_at := coalesce(OLD.replied_at, maillon_now());
        END IF;
        -- Without an answer it expires by the clock, or with its mission before the date.
        IF NEW.state = 'expired' OR OLD.reply_due_at < maillon_now() THEN
            NEW.missed_at := coalesce(OLD.missed_at, least(OLD.reply_due_at, maillon_now()));
        END IF;
    END IF;
    NEW.ended_at := CASE WHEN is_live(NEW.state) = 0 THEN coalesce(OLD.ended_at, maillon_now()) END;
    RETURN NEW;
END
$$;
CREATE FUNCTION stamp_reply_date() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reply_since := maillon_now();
    RETURN NEW;
END
$$;
CREATE TRIGGER application_reply_since BEFORE UPDATE ON application FOR EACH ROW
    WHEN (OLD.reply_due_at <> NEW.reply_due_at) EXECUTE FUNCTION stamp_reply_date();

-- As the history tells it.
SET LOCAL ROLE maillon_ops;
UPDATE application a SET
    replied_at = (SELECT min(at) FROM state_event WHERE object = 'application' AND object_id = a.id
                  AND from_state IN ('submitted', 'shortlisted') AND to_state IN ('accepted', 'declined', 'waitlisted')),
    missed_at = least(
        (SELECT min(at) FROM state_event WHERE object = 'application' AND object_id = a.id
         AND from_state IN ('submitted', 'shortlisted') AND to_state = 'expired'),
        CASE WHEN EXISTS (SELECT FROM state_event WHERE object = 'application' AND object_id = a.id
                          AND from_state IN ('submitted', 'shortlisted') AND at > a.reply_due_at)
            THEN a.reply_due_at END),
    reply_since = (SELECT max(at) FROM state_event WHERE object = 'application' AND object_id = a.id
                   AND from_state IS NOT NULL AND to_state IN ('submitted', 'shortlisted'));
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;

-- Of what fell due within a year, what an association answered in time, and how long it took to answer first, in minutes.
-- Those withdrawn or cancelled before the date do not count.
CREATE OR REPLACE FUNCTION replies_of(association uuid, at timestamptz)
    RETURNS TABLE (rate double precision, median integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT CASE WHEN count(*) >= 5 THEN round(
               (count(*) FILTER (WHERE missed_at IS NULL AND NOT overdue))::numeric / count(*), 3)::float8 END,
           CASE WHEN count(*) >= 5 THEN percentile_cont(0.5) WITHIN GROUP (
               ORDER BY extract(epoch FROM replied_at - created_at) / 60)::integer END
    FROM application, LATERAL (SELECT state IN ('submitted', 'shortlisted') AND reply_due_at <= at AS overdue) present
    WHERE association_id = association AND reply_due_at > at - interval '1 year'
      AND (replied_at IS NOT NULL OR missed_at IS NOT NULL OR overdue)
$$;
