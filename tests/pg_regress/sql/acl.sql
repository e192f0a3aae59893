-- Who may do what: every function, table, view, sequence, schema and domain x every role. A new object changes the output.
\set VERBOSITY default
SET client_min_messages = warning;
DROP TABLE IF EXISTS projectalpha_data.multiple_tools;
CREATE ROLE regress_admin IN ROLE projectalpha_admin;
CREATE ROLE regress_admin_noinherit NOINHERIT IN ROLE projectalpha_admin;
CREATE ROLE regress_reader IN ROLE projectalpha_reader;
CREATE ROLE regress_anon IN ROLE projectalpha_anon;
CREATE ROLE regress_stranger;
SELECT table_name FROM projectalpha.register_tool('survey_bot', 'token-of-survey', '[{"name": "user_id", "type": "int"}]');
SELECT projectalpha.store_record('survey_bot', 'token-of-survey', '{"user_id": 42}');
SELECT projectalpha.store_common('small', '{}') IS NOT NULL AS stored;

-- U usage, C create; X execute; r select, a insert, w update, d delete, D truncate, x references, t trigger, m any column.
WITH roles (n, role) AS
    ( VALUES (1, 'projectalpha_owner'), (2, 'projectalpha_admin'), (3, 'projectalpha_reader'), (4, 'projectalpha_anon'), (5, 'regress_stranger')
    )
, objects (kind, object, oid) AS
    ( SELECT 'schema', n.nspname::text, n.oid FROM pg_namespace AS n WHERE n.nspname ~ '^projectalpha'
      UNION ALL
      SELECT 'function', p.oid::regprocedure::text, p.oid FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text ~ '^projectalpha'
      UNION ALL
      SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END, c.oid::regclass::text, c.oid
        FROM pg_class AS c WHERE c.relnamespace::regnamespace::text ~ '^projectalpha' AND c.relkind NOT IN ('i', 'I', 't', 'c')
      UNION ALL
      SELECT 'type', t.oid::regtype::text, t.oid FROM pg_type AS t
       WHERE t.typnamespace::regnamespace::text ~ '^projectalpha' AND t.typtype <> 'c' AND t.typcategory <> 'A'
    )
, rights (kind, letter, privilege) AS
    ( VALUES ('schema', 'U', 'USAGE'), ('schema', 'C', 'CREATE'), ('function', 'X', 'EXECUTE'), ('type', 'U', 'USAGE')
           , ('sequence', 'r', 'SELECT'), ('sequence', 'w', 'UPDATE'), ('sequence', 'U', 'USAGE')
           , ('table', 'r', 'SELECT'), ('table', 'a', 'INSERT'), ('table', 'w', 'UPDATE'), ('table', 'd', 'DELETE')
           , ('table', 'D', 'TRUNCATE'), ('table', 'x', 'REFERENCES'), ('table', 't', 'TRIGGER'), ('table', 'm', 'any column')
    )
, granted AS
    ( SELECT o.kind, o.object, roles.role, string_agg(r.letter, '' ORDER BY r.letter COLLATE "C") AS letters
        FROM objects AS o
       CROSS JOIN roles
        JOIN rights AS r ON r.kind = CASE o.kind WHEN 'view' THEN 'table' ELSE o.kind END
       WHERE CASE r.kind WHEN 'schema' THEN has_schema_privilege(roles.role, o.oid, r.privilege)
                         WHEN 'function' THEN has_function_privilege(roles.role, o.oid, r.privilege)
                         WHEN 'type' THEN has_type_privilege(roles.role, o.oid, r.privilege)
                         WHEN 'sequence' THEN has_sequence_privilege(roles.role, o.oid, r.privilege)
                         ELSE CASE r.letter WHEN 'm' THEN has_any_column_privilege(roles.role, o.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
                                            ELSE has_table_privilege(roles.role, o.oid, r.privilege) END
             END
       GROUP BY 1, 2, 3
    )
SELECT o.kind COLLATE "C" AS kind, o.object COLLATE "C" AS object
     , max(letters) FILTER (WHERE role = 'projectalpha_owner') AS owner
     , max(letters) FILTER (WHERE role = 'projectalpha_admin') AS admin
     , max(letters) FILTER (WHERE role = 'projectalpha_reader') AS reader
     , max(letters) FILTER (WHERE role = 'projectalpha_anon') AS anon
     , max(letters) FILTER (WHERE role = 'regress_stranger') AS stranger
  FROM objects AS o LEFT JOIN granted USING (kind, object)
 GROUP BY 1, 2 ORDER BY 1, 2;

-- Nobody may pass a right on. (None must appear.) A digest is for the owner, superusers and the roles that PostgreSQL has for all data.
SELECT c.oid::regclass AS object, a.grantee::regrole, a.privilege_type FROM pg_class AS c, aclexplode(c.relacl) AS a
 WHERE c.relnamespace::regnamespace::text ~ '^projectalpha' AND a.is_grantable;
SELECT r.rolname AS reads_digests FROM pg_roles AS r
 WHERE NOT r.rolsuper AND has_column_privilege(r.oid, 'projectalpha.credentials', 'digest', 'SELECT, UPDATE, INSERT')
 ORDER BY r.rolname COLLATE "C";
-- What is made for a new tool is not more open than what there was.
SELECT has_schema_privilege('public', 'projectalpha_data', 'USAGE') AS schema, has_table_privilege('public', 'projectalpha_data.tool_survey_bot', 'SELECT') AS "table";

\set VERBOSITY terse
-- A reader reads data and the list of tools, and that is all.
SET SESSION AUTHORIZATION regress_reader;
SELECT user_id FROM projectalpha_data.tool_survey_bot;
SELECT tool_name FROM projectalpha_data.multiple_tools;
SELECT tool_name FROM projectalpha.registered_tools;
INSERT INTO projectalpha_data.tool_survey_bot (user_id) VALUES (1);
UPDATE projectalpha_data.tool_survey_bot SET user_id = 1;
DELETE FROM projectalpha_data.multiple_tools;
TRUNCATE projectalpha_data.tool_survey_bot;
SELECT nextval('projectalpha_data.id_of_tool_survey_bot');
CREATE TABLE projectalpha_data.tool_mine ();
SELECT count(*) FROM projectalpha.tools;
SELECT count(*) FROM projectalpha.credentials;
SELECT projectalpha.store_record('survey_bot', 'token-of-survey', '{"user_id": 43}');
SELECT projectalpha.list_records('survey_bot');
SELECT projectalpha.register_tool('no');

-- anon calls what checks tokens itself, and reads no table.
SET SESSION AUTHORIZATION regress_anon;
SELECT projectalpha.store_record('survey_bot', 'token-of-survey', '{"user_id": 43}');
SELECT r->'user_id' AS user_id FROM projectalpha.list_records('survey_bot') AS r;
SELECT projectalpha.store_common('small', '{}') IS NOT NULL AS stored;
SELECT user_id FROM projectalpha_data.tool_survey_bot;
SELECT tool_name FROM projectalpha_data.multiple_tools;
SELECT tool_name FROM projectalpha.registered_tools;
SELECT digest FROM projectalpha.credentials;
SELECT projectalpha.register_tool('no');
SELECT projectalpha.set_admin_token('admin-of-anon');
SELECT projectalpha.add_common_token('common-of-anon');
SELECT projectalpha.revoke_token('token-of-survey');
SELECT projectalpha.invalidate_caches();

-- A stranger does nothing.
SET SESSION AUTHORIZATION regress_stranger;
SELECT projectalpha.store_record('survey_bot', 'token-of-survey', '{"user_id": 44}');
SELECT projectalpha.list_records('survey_bot');
SELECT projectalpha.store_common('small', '{}');
SELECT projectalpha_http.list_records('');
SELECT tool_name FROM projectalpha.registered_tools;
SELECT user_id FROM projectalpha_data.tool_survey_bot;
SET ROLE projectalpha_admin;

-- An administrator needs no admin token, and has no other way to the tables than the functions.
SET SESSION AUTHORIZATION regress_admin;
SELECT table_name FROM projectalpha.register_tool('by_admin', 'token-by-admin');
SELECT projectalpha.store_record('by_admin', 'token-by-admin', '{}');
SELECT projectalpha.delete_tool('by_admin', 'wrong-token');
SELECT projectalpha.set_admin_token('admin-of-acl') = 'admin-of-acl' AS set;
SELECT projectalpha.revoke_token('admin-of-acl');
SELECT count(*) FROM projectalpha.tools;
SELECT digest FROM projectalpha.credentials;
UPDATE projectalpha.tools SET sensitive = true;
DROP TABLE projectalpha_data.tool_survey_bot;
SELECT projectalpha_http.delete_tool('');
-- Without inheritance, only after SET ROLE.
SET SESSION AUTHORIZATION regress_admin_noinherit;
SELECT projectalpha.register_tool('by_admin', 'token-by-admin');
SET ROLE projectalpha_admin;
SELECT table_name FROM projectalpha.register_tool('by_admin', 'token-by-admin');
SELECT projectalpha.delete_tool('by_admin');
-- Who acts afterwards is who acted before, also after an error.
SELECT current_user, session_user;
RESET SESSION AUTHORIZATION;
SELECT current_user, session_user;

-- The trigger function is none to be called, not even by a superuser.
\set VERBOSITY default
SELECT projectalpha.invalidate_caches();
\echo :SQLSTATE

SELECT projectalpha.delete_tool('survey_bot');
DROP TABLE projectalpha_data.multiple_tools;
DROP ROLE regress_admin, regress_admin_noinherit, regress_reader, regress_anon, regress_stranger;
