-- What is reserved and used of each year is what engagements and hours say, for each employee and for the company.
WITH taken AS (
    SELECT company_id, employee_id, year, sum(reserved) AS reserved, sum(used) AS used FROM (
        SELECT company_id, employee_id, year, minutes, 0 FROM reservation
        UNION ALL
        SELECT company_id, employee_id, counted_in, 0, minutes FROM hours_entry
        WHERE regime = 'working_time' AND state NOT IN ('rejected', 'cancelled', 'reversed')
    ) AS each (company_id, employee_id, year, reserved, used)
    GROUP BY GROUPING SETS ((company_id, year), (company_id, employee_id, year))
)
SELECT coalesce(a.company_id, t.company_id) AS company_id, coalesce(a.employee_id, t.employee_id) AS employee_id,
       coalesce(a.year, t.year) AS year, a.reserved, t.reserved AS reserved_by_engagements, a.used, t.used AS worked
FROM allowance a FULL JOIN taken t
    ON coalesce(t.employee_id, t.company_id) = coalesce(a.employee_id, a.company_id) AND t.year = a.year
WHERE (coalesce(a.reserved, 0), coalesce(a.used, 0)) <> (coalesce(t.reserved, 0), coalesce(t.used, 0))
