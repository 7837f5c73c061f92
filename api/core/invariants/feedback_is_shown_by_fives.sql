-- Answers about five different people never wait to be counted, and no more is counted than the figures say.
SELECT f.association_id, f.from_association, t.answers
FROM feedback f LEFT JOIN feedback_total t ON (t.association_id, t.from_association) = (f.association_id, f.from_association)
GROUP BY f.association_id, f.from_association, t.answers
HAVING count(DISTINCT f.person_id) FILTER (WHERE NOT f.counted) >= 5
    OR count(*) FILTER (WHERE f.counted) > coalesce(t.answers, 0)
