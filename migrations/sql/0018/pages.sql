-- A mail may lead to one of our own pages: a path, so that it follows the address we are served at.
ALTER TABLE mail ADD COLUMN page text;
ALTER TABLE mail ADD CONSTRAINT mail_page_is_ours CHECK (page ~ '^/[a-z]');
