-- Of the associations that may be the same body, those that share an identifier come first, then those with most in
-- common: a contact address that many share hides none of them.
CREATE OR REPLACE FUNCTION duplicates_of(which uuid)
    RETURNS TABLE (id uuid, name text, state text, city text, reasons text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH it AS (SELECT *, coalesce(siren, left(siret, 9)) AS body FROM association WHERE association.id = which),
    candidate AS (
        SELECT other.* FROM it JOIN association other ON other.rna = it.rna
        UNION SELECT other.* FROM it JOIN association other ON other.siret = it.siret
        UNION SELECT other.* FROM it JOIN association other ON other.siren = it.body
        UNION SELECT other.* FROM it JOIN association other ON left(other.siret, 9) = it.body
        UNION SELECT other.* FROM it JOIN association other ON other.contact_email = it.contact_email
        UNION SELECT other.* FROM it JOIN association other
            ON other.name_key % it.name_key AND similarity(other.name_key, it.name_key) >= 0.6
               AND left(other.postal_code, 2) = left(it.postal_code, 2))
    SELECT c.id, c.name, c.state, c.city, said.reasons
    FROM it, candidate c, LATERAL (SELECT array_remove(ARRAY[
               CASE WHEN c.rna = it.rna THEN 'rna' END,
               CASE WHEN it.body IN (c.siren, left(c.siret, 9)) THEN 'siren' END,
               CASE WHEN c.siret = it.siret THEN 'siret' END,
               CASE WHEN c.contact_email = it.contact_email THEN 'contact_email' END,
               CASE WHEN similarity(c.name_key, it.name_key) >= 0.6 THEN 'name' END], NULL) AS reasons) said
    WHERE c.id <> which AND c.state <> 'closed'
    ORDER BY said.reasons && ARRAY['rna', 'siren', 'siret'] DESC, cardinality(said.reasons) DESC, c.name, c.id LIMIT 10
$$;
