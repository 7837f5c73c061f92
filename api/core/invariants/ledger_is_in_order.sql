-- A company's lines are numbered without a gap up to its head, each posted after the one before.
SELECT company_id, sequence, posted_at FROM (
    SELECT company_id, sequence, posted_at,
           row_number() OVER w AS expected, lag(posted_at) OVER w AS before
    FROM ledger_line WINDOW w AS (PARTITION BY company_id ORDER BY sequence)
) line WHERE sequence <> expected OR posted_at <= before
UNION ALL
SELECT c.id, h.sequence, h.posted_at FROM company c LEFT JOIN ledger_head h ON h.company_id = c.id
WHERE h.company_id IS NULL
   OR h.sequence <> (SELECT count(*) FROM ledger_line l WHERE l.company_id = c.id)
