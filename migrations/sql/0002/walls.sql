ALTER TABLE magic_link ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE invitation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY magic_link_system ON magic_link USING (app_is('system'));
CREATE POLICY invitation_seen ON invitation FOR SELECT
    USING (association_id = ANY (app_associations()) OR app_is('moderator'));
CREATE POLICY invitation_kept ON invitation USING (association_id = ANY (app_associations()));

GRANT SELECT, INSERT, UPDATE, DELETE ON magic_link, invitation TO maillon_app, maillon_ops;
REVOKE DELETE ON invitation FROM maillon_app;
