-- What a moderator sent back was never public either.
ALTER POLICY mission_deleted ON mission
    USING (association_id = ANY (app_associations()) AND state IN ('draft', 'rejected'));
