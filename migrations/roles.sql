-- The three roles, made once by a superuser of the cluster (README, "Production").
-- owner migrates; app serves API and worker and stays behind the walls; ops sees over them.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'maillon_owner') THEN
        CREATE ROLE maillon_owner LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'maillon_app') THEN
        CREATE ROLE maillon_app LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'maillon_ops') THEN
        CREATE ROLE maillon_ops LOGIN BYPASSRLS;
    END IF;
END
$$;

-- The owner hands the functions that cross walls to ops.
GRANT maillon_ops TO maillon_owner;

ALTER ROLE maillon_app SET lock_timeout = '2s';
ALTER ROLE maillon_app SET statement_timeout = '20s';
ALTER ROLE maillon_app SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE maillon_ops SET lock_timeout = '10s';
