-- A draft is its association's alone: a moderator reads what is submitted to them.
DROP POLICY mission_seen ON mission;
CREATE POLICY mission_seen ON mission FOR SELECT
    USING (published_at IS NOT NULL OR association_id = ANY (app_associations())
           OR (app_is('moderator') AND state <> 'draft'));
