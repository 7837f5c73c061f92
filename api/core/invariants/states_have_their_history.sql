-- Every object's events form one chain of legal edges, or of decisions that moved nothing, up to its present state.
WITH object AS (
    SELECT 'association' AS kind, id, state FROM association
    UNION ALL SELECT 'mission', id, state FROM mission
    UNION ALL SELECT 'application', id, state FROM application
    UNION ALL SELECT 'hours_entry', id, state FROM hours_entry
), step AS (
    SELECT object, object_id, coalesce(from_state, '') AS from_state, to_state,
           lag(to_state, 1, '') OVER w AS before, row_number() OVER (PARTITION BY object, object_id ORDER BY id DESC) AS last
    FROM state_event WINDOW w AS (PARTITION BY object, object_id ORDER BY id)
)
SELECT o.kind, o.id, o.state, s.from_state, s.to_state
FROM object o LEFT JOIN step s ON s.object = o.kind AND s.object_id = o.id
    AND (s.last = 1 OR s.before <> s.from_state)
LEFT JOIN state_edge e ON e.object = s.object AND e.from_state = s.from_state AND e.to_state = s.to_state
WHERE s.object IS NULL OR (e.id IS NULL AND s.from_state <> s.to_state)
   OR s.before <> s.from_state OR (s.last = 1 AND s.to_state <> o.state)
