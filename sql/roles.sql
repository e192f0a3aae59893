-- Roles belong to the cluster: another database may have made them already.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['projectalpha_owner', 'projectalpha_admin',
                                     'projectalpha_reader', 'projectalpha_anon'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    END LOOP;
    -- The owner makes the schemas of data at first use.
    EXECUTE pg_catalog.format('GRANT CREATE ON DATABASE %I TO projectalpha_owner',
                              pg_catalog.current_database());
    IF pg_catalog.getdatabaseencoding() <> 'UTF8' THEN
        RAISE EXCEPTION 'projectalpha_store needs a database in UTF8'
            USING ERRCODE = 'feature_not_supported',
                  DETAIL = 'JSON over HTTP is UTF-8; this database is in '
                           || pg_catalog.getdatabaseencoding() || '.',
                  HINT = 'CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
END
$$;
