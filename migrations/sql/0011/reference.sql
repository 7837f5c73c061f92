-- Which of the shipped files of `migrations/data/` was loaded last, so that an unchanged one is not read again.
CREATE TABLE reference_data (
    name text PRIMARY KEY,
    digest bytea NOT NULL,
    loaded_at timestamptz NOT NULL
);
GRANT SELECT ON reference_data TO maillon_app, maillon_ops;
