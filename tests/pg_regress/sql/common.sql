-- The table that small tools share.
\set VERBOSITY default
-- Before its first row the list is empty, and listing does not make the table.
BEGIN;
SET LOCAL client_min_messages = warning;
DROP TABLE IF EXISTS projectalpha_data.multiple_tools;
SELECT * FROM projectalpha.list_common('metrics');
SELECT to_regclass('projectalpha_data.multiple_tools') IS NULL AS not_made;
SELECT projectalpha.store_common('metrics', '{"first": true}') AS first_id;
\d projectalpha_data.multiple_tools
SELECT relowner::regrole FROM pg_class WHERE oid = 'projectalpha_data.multiple_tools'::regclass;
COMMIT;

SELECT projectalpha.store_common('metrics', '{"cpu": 45, "memory": 2048}') AS second_id;
SELECT projectalpha.store_common('other', '{}');
SELECT tool_name, data, sensitive, created_at > now() - interval '1 hour' AS recent FROM projectalpha_data.multiple_tools ORDER BY id;

-- What a listing shows.
SELECT string_agg(key, ' ' ORDER BY n) AS keys
  FROM projectalpha.list_common('metrics', 1) AS r, json_object_keys(r) WITH ORDINALITY AS k (key, n);
SELECT pg_typeof(r), r->'id' AS id, r->'tool_name' AS tool_name, r->'data' AS data, r->'sensitive' AS sensitive
     , r->>'created_at' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$' AS iso
  FROM projectalpha.list_common('metrics') AS r;
-- Senders see their own rows only; the case of a name counts; an unknown one has none.
SELECT r->'data' AS data FROM projectalpha.list_common('other') AS r;
SELECT count(*) FROM projectalpha.list_common('Metrics');
SELECT count(*) FROM projectalpha.list_common('nobody');

-- Sensitive rows: stored and shown to a common token, an admin token, or a member of projectalpha_admin.
SELECT projectalpha.add_common_token('common-of-common') = 'common-of-common' AS added;
SELECT projectalpha.set_admin_token('admin-of-common') = 'admin-of-common' AS set;
SELECT table_name FROM projectalpha.register_tool('metrics', 'tool-of-common');
CREATE ROLE regress_member IN ROLE projectalpha_admin;
CREATE FUNCTION pg_temp.shown(token text) RETURNS text LANGUAGE sql
RETURN (SELECT string_agg((r->'data')::text, ' ') FROM projectalpha.list_common('reports', token => shown.token) AS r);
GRANT EXECUTE ON FUNCTION pg_temp.shown TO projectalpha_anon, regress_member;
SELECT projectalpha.store_common('reports', '{"open": 1}', false, NULL) IS NOT NULL AS stored;
SET ROLE projectalpha_anon;
SELECT projectalpha.store_common('reports', '{"secret": 1}', true);
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.store_common('reports', '{"secret": 2}', true, NULL);
SELECT projectalpha.store_common('reports', '{"secret": 3}', true, '');
SELECT projectalpha.store_common('reports', '{"secret": 4}', true, 'tool-of-common');
SELECT projectalpha.store_common('reports', '{"secret": 5}', true, 'common-of-common ');
SELECT projectalpha.store_common('reports', '{"secret": 6}', sensitive => true, token => 'common-of-common') IS NOT NULL AS stored;
SELECT projectalpha.store_common('reports', '{"secret": 7}', true, 'admin-of-common') IS NOT NULL AS stored;
-- A row that is not sensitive needs no token, and does not look at one.
SELECT projectalpha.store_common('reports', '{"open": 2}', false, 'wrong-token') IS NOT NULL AS stored;
SELECT pg_temp.shown(NULL);
SELECT pg_temp.shown('common-of-common');
SELECT pg_temp.shown('admin-of-common');
-- A token that is not valid is refused, not ignored.
SELECT pg_temp.shown('tool-of-common');
SELECT pg_temp.shown('');
SET ROLE regress_member;
SELECT projectalpha.store_common('reports', '{"secret": 8}', true) IS NOT NULL AS stored;
SELECT pg_temp.shown(NULL);
RESET ROLE;
SELECT data, sensitive FROM projectalpha_data.multiple_tools WHERE tool_name = 'reports' ORDER BY id;
-- NULL is no "no": refused or taken for "yes", but never public.
SET ROLE projectalpha_anon;
DO $$
BEGIN
    PERFORM projectalpha.store_common('reports', '{"secret": 9}', NULL, 'common-of-common');
EXCEPTION WHEN null_value_not_allowed THEN
    NULL;
END
$$;
SELECT pg_temp.shown(NULL);
RESET ROLE;

-- Pages, as in list_records. A page is of what is shown, not of what there is.
SELECT count(projectalpha.store_common('paged', jsonb_build_object('n', n), n % 2 = 0)) FROM generate_series(1, 40) AS n;
CREATE FUNCTION pg_temp.page(l int, o bigint) RETURNS text LANGUAGE sql
RETURN (SELECT string_agg(r->'data'->>'n', ' ') FROM projectalpha.list_common('paged', l, o) AS r);
SELECT l, o, pg_temp.page(l, o) FROM (VALUES (3, 0), (3, 2), (0, 0), (2147483647, 37), (NULL, NULL), (5, 40), (5, 9223372036854775807)) AS v (l, o);
GRANT EXECUTE ON FUNCTION pg_temp.page TO projectalpha_anon;
SET ROLE projectalpha_anon;
SELECT l, o, pg_temp.page(l, o) FROM (VALUES (3, 0), (3, 2), (2147483647, 17), (NULL, NULL), (5, 20)) AS v (l, o);
RESET ROLE;
SET projectalpha_store.max_page_size = 4;
SELECT pg_temp.page(100, 0);
RESET projectalpha_store.max_page_size;
SELECT projectalpha.list_common('paged', -1);
SELECT projectalpha.list_common('paged', 1, -1);

SELECT string_agg(r->'data'->>'n', ' ') AS n
  FROM projectalpha.list_common('paged', 3, after_id => (SELECT id FROM projectalpha_data.multiple_tools WHERE tool_name = 'paged' AND data = '{"n": 20}')) AS r;

-- Payloads: any object and nothing else. Names of senders: 1 to 50 printable characters, which are no identifiers.
SELECT projectalpha.store_common('metrics', '[]');
SELECT projectalpha.store_common('metrics', '"x"');
SELECT projectalpha.store_common('metrics', 'null');
SELECT projectalpha.store_common('metrics', NULL);
SELECT projectalpha.store_common(NULL, '{}');
SELECT projectalpha.store_common('', '{}');
SELECT projectalpha.store_common(repeat('x', 51), '{}');
SELECT projectalpha.store_common(E'tab\there', '{}');
SELECT projectalpha.store_common(E'del\x7f', '{}');
SELECT projectalpha.store_common(U&'next\0085line', '{}');
SELECT projectalpha.list_common(NULL);
SELECT projectalpha.list_common('');
SELECT projectalpha.list_common(repeat('x', 51));
\set VERBOSITY default
SELECT projectalpha.store_common(E'new\nline', '{}');
\echo :SQLSTATE
SELECT projectalpha.store_common(name, jsonb_build_object('from', name)) IS NOT NULL AS stored
     , (SELECT r->'data'->>'from' = name FROM projectalpha.list_common(name) AS r) AS not_yet_listed
  FROM unnest(ARRAY[repeat('ж', 50), 'with space', 'a''b"c;--', '%', '_', 'Ａ', '../../etc/passwd']) AS name;
SELECT name, r->'data'->>'from' = name AS same FROM unnest(ARRAY['with space', 'a''b"c;--', '%', '_', 'Ａ', '../../etc/passwd']) AS name
     , projectalpha.list_common(name) AS r;
SELECT count(*) AS of_all_senders FROM projectalpha.list_common('%', 1000);

-- A registered tool of the same name is another matter.
SELECT count(*) FROM projectalpha.list_records('metrics');

SELECT projectalpha.delete_tool('metrics');
SELECT projectalpha.revoke_token('admin-of-common'), projectalpha.revoke_token('common-of-common');
DROP TABLE projectalpha_data.multiple_tools;
DROP OWNED BY regress_member;
DROP ROLE regress_member;
