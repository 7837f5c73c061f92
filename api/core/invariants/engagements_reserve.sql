-- An engagement on working time reserves what it may still take; nothing else but one just completed reserves any.
SELECT p.id AS application_id, p.state, p.agreed_minutes, r.minutes AS reserved
FROM application p LEFT JOIN reservation r ON r.application_id = p.id
WHERE (p.regime = 'working_time' AND p.state = 'accepted' AND r.minutes IS DISTINCT FROM greatest(0, p.agreed_minutes
           - (SELECT coalesce(sum(minutes), 0) FROM hours_entry
              WHERE application_id = p.id AND state NOT IN ('rejected', 'cancelled', 'reversed'))))
   OR (r.application_id IS NOT NULL AND (p.regime <> 'working_time' OR p.state NOT IN ('accepted', 'completed')))
