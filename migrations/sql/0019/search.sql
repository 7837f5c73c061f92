-- What the filters of a search look at, in the order of the list: whoever filters reads no mission that does not match.
DROP INDEX mission_search_newest;
CREATE INDEX mission_search_newest ON mission_search (published_at DESC, id DESC)
    INCLUDE (closes_at, association_id, format, causes, skills, remote, regimes, languages, starts_on, effort_minutes);
