CREATE EXTENSION IF NOT EXISTS btree_gist;

ALTER TABLE hours_entry ADD COLUMN starts_at timestamptz;

-- When an entry's minutes were worked, in UTC; without a start, at any time of its day.
CREATE FUNCTION worked_within(starts_at timestamptz, minutes integer) RETURNS tsrange LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN starts_at IS NULL THEN '(,)'::tsrange
        ELSE tsrange(starts_at AT TIME ZONE 'UTC', starts_at AT TIME ZONE 'UTC' + make_interval(mins => minutes)) END;

-- One living entry an engagement and day, but where both say when they began and none falls into the other. By what was
-- declared: a lowered figure may rise to it again.
ALTER TABLE hours_entry ADD CONSTRAINT hours_entry_worked_once
    EXCLUDE USING gist (application_id WITH =, worked_on WITH =, worked_within(starts_at, declared_minutes) WITH &&)
    WHERE (state NOT IN ('rejected', 'cancelled', 'reversed'));
DROP INDEX hours_entry_one_living_a_day;
