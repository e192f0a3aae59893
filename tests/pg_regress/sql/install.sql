-- What CREATE EXTENSION makes, and what it leaves to later: in a database of
-- its own that has not even a schema public.
\set VERBOSITY default
CREATE DATABASE regress_install TEMPLATE template0 ENCODING 'UTF8';
\c regress_install
DROP SCHEMA public;
CREATE EXTENSION projectalpha_store;

-- Its members.
SELECT pg_describe_object(classid, objid, objsubid) COLLATE "C" AS member
  FROM pg_depend
 WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
   AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'projectalpha_store')
 ORDER BY 1;

-- The public interface: signatures, and how PostgreSQL may treat each function.
SELECT p.oid::regprocedure::text COLLATE "C" AS function
     , pg_get_function_result(p.oid) AS result
     , p.provolatile AS volatile, p.proparallel AS parallel, p.proisstrict AS strict
     , p.prosecdef AS definer, p.proconfig AS settings
  FROM pg_proc AS p
 WHERE p.pronamespace::regnamespace::text IN ('projectalpha', 'projectalpha_http')
 ORDER BY 1;

-- Names and defaults of arguments are part of it too.
SELECT p.proname COLLATE "C" AS function, pg_get_function_arguments(p.oid) AS arguments
  FROM pg_proc AS p
 WHERE p.pronamespace = 'projectalpha'::regnamespace AND p.pronargs > 0
 ORDER BY 1;

-- The tables and views.
\d projectalpha.tools
\d projectalpha.credentials
\d projectalpha.registered_tools
\d projectalpha.active_tokens
\d projectalpha.tool_configuration
\d projectalpha.configured_tools

-- Not one object belongs to another than projectalpha_owner. (None must appear.)
SELECT kind, object, owner FROM
    ( SELECT 'schema', n.nspname, n.nspowner::regrole FROM pg_namespace AS n WHERE n.nspname ~ '^projectalpha'
      UNION ALL
      SELECT 'relation', c.oid::regclass::text, c.relowner::regrole FROM pg_class AS c
       WHERE c.relnamespace::regnamespace::text ~ '^projectalpha'
      UNION ALL
      SELECT 'type', t.oid::regtype::text, t.typowner::regrole FROM pg_type AS t
       WHERE t.typnamespace::regnamespace::text ~ '^projectalpha'
      UNION ALL
      SELECT 'function', p.oid::regprocedure::text, p.proowner::regrole FROM pg_proc AS p
       WHERE p.pronamespace::regnamespace::text ~ '^projectalpha'
    ) AS o (kind, object, owner)
 WHERE owner <> 'projectalpha_owner'::regrole;

-- Not one object is without a comment. (None must appear.)
SELECT object FROM
    ( SELECT n.nspname::text, obj_description(n.oid, 'pg_namespace') FROM pg_namespace AS n
       WHERE n.nspname ~ '^projectalpha'
      UNION ALL
      SELECT c.oid::regclass::text, obj_description(c.oid, 'pg_class') FROM pg_class AS c
       WHERE c.relnamespace::regnamespace::text ~ '^projectalpha' AND c.relkind IN ('r', 'v', 'm', 'p')
      UNION ALL
      SELECT t.oid::regtype::text, obj_description(t.oid, 'pg_type') FROM pg_type AS t
       WHERE t.typnamespace::regnamespace::text ~ '^projectalpha' AND t.typtype = 'd'
      UNION ALL
      SELECT p.oid::regprocedure::text, obj_description(p.oid, 'pg_proc') FROM pg_proc AS p
       WHERE p.pronamespace::regnamespace::text ~ '^projectalpha'
    ) AS o (object, comment)
 WHERE comment IS NULL OR comment = '';

-- Every configuration table and every sequence of one is registered for dump. (None must appear.)
SELECT c.oid::regclass AS forgotten
  FROM pg_class AS c
 WHERE c.relnamespace = 'projectalpha'::regnamespace AND c.relkind IN ('r', 'S')
   AND c.oid <> ALL (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'projectalpha_store');

-- The roles can do nothing by themselves and belong to no other.
SELECT rolname COLLATE "C" AS role, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls
     , (SELECT count(*) FROM pg_auth_members AS m WHERE m.member = r.oid) AS member_of
  FROM pg_roles AS r WHERE rolname ~ '^projectalpha_' ORDER BY 1;

-- No token has a built-in value.
SELECT count(*) FROM projectalpha.credentials;
SELECT * FROM projectalpha.active_tokens;
SELECT * FROM projectalpha.registered_tools;

-- Data has its schema from first use on, as no member of the extension.
SELECT to_regnamespace('projectalpha_data') IS NULL AS not_yet;
SELECT table_name FROM projectalpha.register_tool('kept', 'token-of-kept', '[{"name": "n", "type": "int"}]');
SELECT projectalpha.store_record('kept', 'token-of-kept', '{"n": 42}');
SELECT projectalpha.store_common('small', '{"a": 1}');
SELECT pg_describe_object(classid, objid, objsubid) AS wrongly_a_member
  FROM pg_depend
 WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'projectalpha_store')
   AND pg_describe_object(classid, objid, objsubid) ~ 'projectalpha_data';
SELECT nspname, nspowner::regrole, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'projectalpha_data';
SELECT c.relname COLLATE "C" AS relation, c.relkind, c.relowner::regrole
  FROM pg_class AS c WHERE c.relnamespace = 'projectalpha_data'::regnamespace ORDER BY 1;

-- The settings; a misspelt one is refused.
SELECT name, setting, unit, context, vartype, min_val, max_val, boot_val, short_desc, extra_desc
  FROM pg_settings WHERE name ~ '^projectalpha_store\.' ORDER BY name COLLATE "C";
SET projectalpha_store.max_page_sise = 5;
\echo :SQLSTATE
SET projectalpha_store.max_page_size = 0;
SET projectalpha_store.cache_size = 0;

-- It cannot be moved, nor made twice, nor by anybody but a superuser.
ALTER EXTENSION projectalpha_store SET SCHEMA projectalpha;
CREATE EXTENSION projectalpha_store;
DROP EXTENSION projectalpha_store;
CREATE ROLE regress_installer;
GRANT CREATE ON DATABASE regress_install TO regress_installer;
SET ROLE regress_installer;
CREATE EXTENSION projectalpha_store;
RESET ROLE;
REVOKE CREATE ON DATABASE regress_install FROM regress_installer;
DROP ROLE regress_installer;

-- Without the extension the rows are there. With it again, the table left
-- behind is in the way of its name, and is not touched.
SELECT n FROM projectalpha_data.tool_kept;
SELECT tool_name, data FROM projectalpha_data.multiple_tools;
SELECT nspname FROM pg_namespace WHERE nspname ~ '^projectalpha';
CREATE EXTENSION projectalpha_store;
SELECT projectalpha.store_record('kept', 'token-of-kept', '{"n": 43}');
\set VERBOSITY sqlstate
SELECT projectalpha.register_tool('kept', 'token-of-kept', '[{"name": "n", "type": "int"}]');
\set VERBOSITY default
SELECT n FROM projectalpha_data.tool_kept;
SELECT projectalpha.store_common('small', '{"a": 2}');
SELECT r->'data' AS data FROM projectalpha.list_common('small') AS r;

-- Ids of tools begin anew: the keys that tools of the same ids had used before are no keys of theirs.
SELECT table_name FROM projectalpha.register_tool('keyed', 'token-of-keyed');
SELECT projectalpha.store_record('keyed', 'token-of-keyed', '{"n": 1}', 'key-1');
DROP EXTENSION projectalpha_store;
CREATE EXTENSION projectalpha_store;
SELECT table_name FROM generate_series(1, 3) AS n, projectalpha.register_tool('keyed_' || n, 'token-of-keyed') ORDER BY 1;
SELECT n, projectalpha.store_record('keyed_' || n, 'token-of-keyed', '{"n": 1}', 'key-1') FROM generate_series(1, 3) AS n;
SELECT n, r->'data' AS data FROM generate_series(1, 3) AS n, projectalpha.list_records('keyed_' || n) AS r ORDER BY 1;
-- Nor of a tool that is registered when it is first posted to.
UPDATE projectalpha_data.idempotency_keys SET tool_id = nextval(pg_get_serial_sequence('projectalpha.tools', 'id')) + 1;
SELECT table_name FROM projectalpha.configure_tool('keyed_conf', use_individual_table => true);
SELECT projectalpha.store_configured('keyed_conf', '{"n": 1}');
SELECT count(*) FROM projectalpha_data.idempotency_keys;

-- Only in UTF8.
CREATE DATABASE regress_install_latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
\c regress_install_latin1
CREATE EXTENSION projectalpha_store;
\echo :SQLSTATE

\c postgres
DROP DATABASE regress_install;
DROP DATABASE regress_install_latin1;
