-- A person's mail belongs to a notice of theirs (one with a code has none), and a finished one says when.
SELECT m.id AS mail_id, m.kind, m.state FROM mail m
LEFT JOIN notification n ON n.person_id = m.person_id AND n.unique_key = m.unique_key
WHERE (m.person_id IS NOT NULL AND n.id IS NULL) OR (m.state IN ('sent', 'failed', 'unknown')) <> (m.finished_at IS NOT NULL)
