-- The chain: a hash covers its event, its number and the hash before. Sealing and `maillon check` both ask here.
CREATE FUNCTION audit_hash(previous bytea, sequence bigint, event audit_event) RETURNS bytea LANGUAGE sql STABLE
    RETURN sha256(previous || convert_to(jsonb_build_array(sequence, event.id, event.tenant_kind, event.tenant_id,
        (extract(epoch FROM event.at) * 1000000)::bigint, event.actor_kind, event.actor_id, event.action,
        event.object_type, event.object_id, event.changes)::text, 'UTF8'));

-- Seals so many events of a tenant at most, and gives the chain's new end. The head's lock orders those who seal at
-- once: the second begins where the first ended. An event whose transaction ended late is sealed later, whatever its id.
CREATE FUNCTION seal_audit(tenant uuid, most integer, OUT sealed integer, OUT sequence bigint, OUT hash bytea)
    LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    waiting uuid;
BEGIN
    INSERT INTO audit_head VALUES (tenant, 0, '', maillon_now()) ON CONFLICT DO NOTHING;
    SELECT 0, h.sequence, h.hash INTO STRICT sealed, sequence, hash
    FROM audit_head h WHERE h.tenant_id = tenant FOR UPDATE;
    FOR waiting IN SELECT s.event_id FROM audit_seal s WHERE s.tenant_id = tenant AND s.sequence IS NULL
                   ORDER BY s.event_id LIMIT most LOOP
        sealed := sealed + 1;
        sequence := sequence + 1;
        UPDATE audit_seal s
        SET sequence = seal_audit.sequence, hash = audit_hash(seal_audit.hash, seal_audit.sequence, e)
        FROM audit_event e WHERE e.id = waiting AND s.event_id = waiting RETURNING s.hash INTO STRICT hash;
    END LOOP;
    UPDATE audit_head h SET sequence = seal_audit.sequence, hash = seal_audit.hash, sealed_at = maillon_now()
    WHERE h.tenant_id = tenant;
END
$$;
REVOKE ALL ON FUNCTION seal_audit(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION seal_audit(uuid, integer) TO maillon_ops;
