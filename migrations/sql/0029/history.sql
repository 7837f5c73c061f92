-- The last steps of an application, to whoever sees it: a manager in charge reads no history of their company's.
CREATE FUNCTION history_of(application uuid) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT jsonb_agg(jsonb_build_object('state', to_state, 'reason', reason, 'at', at) ORDER BY at, id)
            FROM (SELECT id, to_state, reason, at FROM state_event WHERE object_id = application
                  ORDER BY at DESC, id DESC LIMIT 100) step);
