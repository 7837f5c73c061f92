-- Nothing was worked on an engagement before the day it was agreed, after the day it ended, nor without one.
SELECT h.id AS hours_id, h.application_id, h.worked_on, a.engaged_on, a.engaged_until
FROM hours_entry h JOIN application a ON a.id = h.application_id
WHERE a.engaged_on IS NULL OR h.worked_on < a.engaged_on OR h.worked_on > a.engaged_until
