-- Every skill that a mission names is of the list, in use or deprecated since.
SELECT m.id AS mission_id, named ->> 'skill' AS skill FROM mission m, jsonb_array_elements(m.skills) named
WHERE NOT EXISTS (SELECT FROM skill WHERE id = named ->> 'skill')
