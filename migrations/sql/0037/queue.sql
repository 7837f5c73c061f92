-- What ended unread stays so, and is in nobody's queue any more.
DROP INDEX association_to_review, mission_to_review;
CREATE INDEX association_to_review ON association (review_since, id)
    WHERE review_since IS NOT NULL AND state <> 'closed';
CREATE INDEX mission_to_review ON mission (review_since, id)
    WHERE review_since IS NOT NULL AND state IN ('submitted', 'published', 'paused', 'in_progress');
