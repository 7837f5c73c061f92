-- Row-level security is forced on every table that holds tenants' data.
SELECT c.relname AS "table" FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND c.relname NOT IN ('migration', 'state_edge', 'mission_search', 'mail_domain',
      'reference_data', 'cause', 'skill_family', 'skill', 'search_word', 'search_synonym', 'commune', 'application_cap')
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
