-- Every event waits for its seal or is sealed: numbered without a gap up to the head, each hash from the one before.
WITH chain AS (
    SELECT event_id, tenant_id, sequence, hash,
           row_number() OVER w AS expected, lag(hash, 1, ''::bytea) OVER w AS before
    FROM audit_seal WHERE sequence IS NOT NULL WINDOW w AS (PARTITION BY tenant_id ORDER BY sequence)
), last AS (
    SELECT DISTINCT ON (tenant_id) tenant_id, sequence, hash FROM chain ORDER BY tenant_id, sequence DESC
)
SELECT c.tenant_id, c.event_id, c.sequence, 'link' AS broken
FROM chain c LEFT JOIN audit_event e ON e.id = c.event_id
WHERE e.id IS NULL OR e.tenant_id <> c.tenant_id OR c.sequence <> c.expected
   OR c.hash <> audit_hash(c.before, c.sequence, e)
UNION ALL
SELECT coalesce(h.tenant_id, l.tenant_id), NULL, coalesce(h.sequence, l.sequence), 'head'
FROM audit_head h FULL JOIN last l ON l.tenant_id = h.tenant_id
WHERE (h.sequence, h.hash) IS DISTINCT FROM (coalesce(l.sequence, 0), coalesce(l.hash, ''::bytea))
UNION ALL
SELECT coalesce(e.tenant_id, s.tenant_id), coalesce(e.id, s.event_id), s.sequence, 'seal'
FROM audit_event e FULL JOIN audit_seal s ON s.event_id = e.id
WHERE e.id IS NULL OR s.event_id IS NULL
