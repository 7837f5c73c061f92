-- Every approved entry stands in the ledger once, with the same minutes, day and tenants; no line stands alone.
SELECT coalesce(h.id, l.hours_id) AS hours_id, h.state, h.minutes, l.minutes AS posted
FROM (SELECT * FROM hours_entry WHERE state IN ('approved', 'reversed')) h
FULL JOIN ledger_line l ON l.hours_id = h.id
WHERE h.id IS NULL OR l.id IS NULL
   OR (h.minutes, h.worked_on, h.company_id, h.employee_id, h.person_id, h.association_id, h.mission_id, h.regime)
      IS DISTINCT FROM
      (l.minutes, l.worked_on, l.company_id, l.employee_id, l.person_id, l.association_id, l.mission_id, l.regime)
