-- Asked once a statement, not of each row: a filter that finds little looks at every mission reserved to somebody.
ALTER POLICY mission_reserved_seen ON mission_reserved USING ((SELECT app_company()) = ANY (reserved_to));
