-- Functions that cross the walls run as ops, for the application alone: the last script of a migration that makes one.
DO $$
DECLARE
    crossing regprocedure;
BEGIN
    FOR crossing IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
                    AND proowner <> 'maillon_ops'::regrole LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO maillon_ops', crossing);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', crossing);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO maillon_app', crossing);
    END LOOP;
END
$$;
