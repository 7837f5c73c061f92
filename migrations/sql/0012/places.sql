CREATE EXTENSION IF NOT EXISTS cube;

-- French communes by postcode: where a mission is that only says its postcode, and where somebody looks from.
CREATE TABLE commune (
    postal_code text NOT NULL,
    insee text NOT NULL,
    name text NOT NULL,
    department text NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    approximate boolean NOT NULL,
    PRIMARY KEY (postal_code, insee)
);
GRANT SELECT ON commune TO maillon_app, maillon_ops;

-- A point of the globe, in kilometres from its centre (mean radius, IUGG): nearest is nearest, over the poles and
-- the date line too. Only a superuser may make the extension that does the same (earthdistance).
CREATE FUNCTION on_globe(latitude double precision, longitude double precision) RETURNS cube LANGUAGE sql
    IMMUTABLE STRICT PARALLEL SAFE
    RETURN cube(ARRAY[6371.0088 * cosd(latitude) * cosd(longitude),
                      6371.0088 * cosd(latitude) * sind(longitude),
                      6371.0088 * sind(latitude)]);
-- Kilometres along the globe for those straight through it, and back.
CREATE FUNCTION along_globe(straight double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN 2 * 6371.0088 * asin(least(1, straight / (2 * 6371.0088)));
CREATE FUNCTION through_globe(along double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN 2 * 6371.0088 * sin(along / (2 * 6371.0088));

-- The middle of a postcode's communes.
CREATE FUNCTION place_of(code text) RETURNS cube LANGUAGE sql STABLE
    RETURN (SELECT on_globe(avg(latitude), avg(longitude)) FROM commune WHERE postal_code = code);
