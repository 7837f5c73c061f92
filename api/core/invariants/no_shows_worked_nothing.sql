-- Nobody is said not to have come where their hours stand as the association said.
SELECT a.id AS application_id, h.id AS hours_id, h.state
FROM application a JOIN hours_entry h ON h.application_id = a.id
WHERE a.state = 'no_show' AND h.state IN ('lowered', 'confirmed', 'approved')
