-- Whether somebody had a job here and has none any more: what is left to them is reading what ended, and what is theirs.
CREATE FUNCTION has_left(person uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT count(*) > 0 AND NOT bool_or(active) FROM employee WHERE person_id = person);
