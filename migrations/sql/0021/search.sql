-- One format, in the order of the list: with a rare cause too, whoever filters passes over few that do not match.
CREATE INDEX mission_search_by_format ON mission_search (format, published_at DESC, id DESC)
    INCLUDE (closes_at, association_id, causes, skills, remote, regimes, languages, starts_on, effort_minutes);

-- The same for missions reserved to companies; the walls are within the index as well.
DROP INDEX mission_reserved_newest;
CREATE INDEX mission_reserved_newest ON mission_reserved (published_at DESC, id DESC)
    INCLUDE (reserved_to, closes_at, association_id, format, causes, skills, remote, regimes, languages, starts_on,
             effort_minutes);
CREATE INDEX mission_reserved_by_format ON mission_reserved (format, published_at DESC, id DESC)
    INCLUDE (reserved_to, closes_at, association_id, causes, skills, remote, regimes, languages, starts_on,
             effort_minutes);
