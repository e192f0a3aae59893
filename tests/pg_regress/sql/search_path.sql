-- A caller's search_path changes nothing. A low-privileged role plants functions, operators, types and tables in a schema
-- of its own and in pg_temp, puts both before pg_catalog and calls everything. Whatever was planted counts in a sequence,
-- which no rollback undoes, and says who ran it.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE ROLE regress_low IN ROLE projectalpha_anon;
CREATE SCHEMA regress_evil AUTHORIZATION regress_low;
GRANT USAGE ON SCHEMA regress_evil TO PUBLIC;
CREATE SEQUENCE public.regress_ran MINVALUE 0;
GRANT ALL ON SEQUENCE public.regress_ran TO PUBLIC;

CREATE FUNCTION public.regress_plant(target text) RETURNS void LANGUAGE plpgsql AS $plant$
DECLARE
    item text;
    body text := $$ LANGUAGE plpgsql AS $f$ BEGIN
        PERFORM pg_catalog.nextval('public.regress_ran');
        RAISE WARNING 'planted: %% ran as %%', %L, current_user;
        RETURN %s; END $f$ $$;
BEGIN
    -- Functions by their names, and those behind casts; they answer as the true ones would.
    FOREACH item IN ARRAY ARRAY[
            'now() RETURNS timestamptz # pg_catalog.now()', 'clock_timestamp() RETURNS timestamptz # pg_catalog.clock_timestamp()',
            'lower(t text) RETURNS text # pg_catalog.lower(t)', 'length(t text) RETURNS integer # pg_catalog.length(t)',
            'jsonb_typeof(j jsonb) RETURNS text # pg_catalog.jsonb_typeof(j)', 'octet_length(b bytea) RETURNS integer # 32',
            'cardinality(a anyarray) RETURNS integer # 1', 'pg_advisory_xact_lock(k bigint) RETURNS boolean # true',
            'nextval(r regclass) RETURNS bigint # pg_catalog.nextval(r)', 'sha256(b bytea) RETURNS bytea # pg_catalog.sha256(b)',
            'int8(i integer) RETURNS bigint # 1', 'int4(i bigint) RETURNS integer # 1', 'text(j jsonb) RETURNS text # ''{}''::pg_catalog.text',
            'store_record(a text, b text, c jsonb) RETURNS bigint # 1', 'invalidate_caches() RETURNS trigger # NULL'] LOOP
        EXECUTE format('CREATE FUNCTION %s.', target) || split_part(item, ' # ', 1)
                || format(body, target || '.' || split_part(item, '(', 1), split_part(item, ' # ', 2));
    END LOOP;
    -- Operators that say yes.
    FOREACH item IN ARRAY ARRAY['text', 'int8', 'int4', 'bytea', 'bool', 'timestamptz', 'jsonb', 'oid', 'name'] LOOP
        EXECUTE format('CREATE FUNCTION %s.op(pg_catalog.%s, pg_catalog.%2$s) RETURNS boolean', target, item)
                || format(body, target || '.op(' || item || ')', 'true');
        EXECUTE format('CREATE OPERATOR %s.= (FUNCTION = %1$s.op, LEFTARG = pg_catalog.%s, RIGHTARG = pg_catalog.%2$s)', target, item);
        EXECUTE format('CREATE OPERATOR %s.<= (FUNCTION = %1$s.op, LEFTARG = pg_catalog.%s, RIGHTARG = pg_catalog.%2$s)', target, item);
        EXECUTE format('CREATE OPERATOR %s.~ (FUNCTION = %1$s.op, LEFTARG = pg_catalog.%s, RIGHTARG = pg_catalog.%2$s)', target, item);
        EXECUTE format('CREATE OPERATOR %s.@> (FUNCTION = %1$s.op, LEFTARG = pg_catalog.%s, RIGHTARG = pg_catalog.%2$s)', target, item);
    END LOOP;
    EXECUTE format('CREATE FUNCTION %s.cat(pg_catalog.text, pg_catalog.text) RETURNS pg_catalog.text', target)
            || format(body, target || '.cat', '''x''::pg_catalog.text');
    EXECUTE format('CREATE OPERATOR %s.|| (FUNCTION = %1$s.cat, LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text)', target);
    -- Tables under the names of ours.
    FOREACH item IN ARRAY ARRAY['tools', 'credentials', 'multiple_tools', 'tool_sp', 'registered_tools'] LOOP
        EXECUTE format('CREATE TABLE %s.%I (id pg_catalog.int8, tool_name pg_catalog.text, digest pg_catalog.bytea)', target, item);
        EXECUTE format('CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON %s.%I EXECUTE FUNCTION %1$s.invalidate_caches()', target, item);
    END LOOP;
    -- Types, as domains that check.
    FOREACH item IN ARRAY ARRAY['text', 'int8', 'int4', 'jsonb', 'json', 'timestamptz', 'float8', 'bool', 'bytea', 'regclass', 'name', 'oid'] LOOP
        EXECUTE format('CREATE FUNCTION %s.chk(pg_catalog.%s) RETURNS boolean', target, item) || format(body, target || '.' || item, 'true');
        EXECUTE format('CREATE DOMAIN %s.%I AS pg_catalog.%2$I CHECK (%1$s.chk(VALUE))', target, item);
    END LOOP;
END
$plant$;

SELECT table_name FROM projectalpha.register_tool('sp', 'token-of-sp',
    '[{"name": "n", "type": "int"}, {"name": "s", "type": "str"}, {"name": "j", "type": "json"}, {"name": "f", "type": "float"},
      {"name": "b", "type": "bool"}, {"name": "at", "type": "timestamp"}]', sensitive => true);
SELECT projectalpha.set_admin_token('admin-of-sp') = 'admin-of-sp' AS set;
SELECT projectalpha.add_common_token('common-of-sp') = 'common-of-sp' AS added;
SELECT projectalpha.store_common('sp', '{}') > 0 AS stored;

-- Everything that the role may call. The answers must be the same whatever was planted.
\set VERBOSITY terse
\set store 'SELECT projectalpha.store_record(\'sp\', \'token-of-sp\', \'{"n": 1, "s": "x", "j": [1], "f": 1.5, "b": true, "at": "2026-02-05"}\') > 0 AS stored;'
\set list 'SELECT count(*) > 0 AS listed FROM projectalpha.list_records(\'sp\', 5, 0, \'token-of-sp\');'
\set common 'SELECT projectalpha.store_common(\'sp\', \'{}\', true, \'common-of-sp\') > 0 AS common_stored;'
\set list_common 'SELECT count(*) > 0 AS common_listed FROM projectalpha.list_common(\'sp\', 5, 0, \'common-of-sp\');'
\set register 'SELECT table_name FROM projectalpha.register_tool(\'sp_new\', \'token-of-sp\', \'[{"name": "s", "type": "str"}]\', admin_token => \'admin-of-sp\');'
\set use 'SELECT projectalpha.store_record(\'sp_new\', \'token-of-sp\', \'{"s": "x"}\'); SELECT count(*) AS listed FROM projectalpha.list_records(\'sp_new\');'
\set delete 'SELECT projectalpha.delete_tool(\'sp_new\', \'admin-of-sp\');'
\set refused_1 'SELECT projectalpha.store_record(\'sp\', \'wrong-token\', \'{}\'); SELECT projectalpha.store_record(\'no\', \'token-of-sp\', \'{}\');'
\set refused_2 'SELECT projectalpha.register_tool(\'no\', admin_token => \'wrong-token\'); SELECT count(*) FROM projectalpha.list_common(\'sp\', token => \'wrong-token\');'
\set bulk 'SELECT projectalpha.store_records(\'sp\', \'token-of-sp\', \'[{"n": 1}, {"s": "x", "at": "2026-02-05"}]\') AS stored;'
\set filter '{"n": {"lte": 1, "in": [1, 2]}, "s": {"eq": "x", "like": "x%"}, "j": {"contains": [1]}, "f": {"ne": 0}, "b": true, "at": {"gt": "2026-01-01"}}'
\set find 'SELECT count(*) > 0 AS found FROM projectalpha.list_records(\'sp\', 5, 0, \'token-of-sp\', 0, :\'filter\', \'s\', projectalpha.page_cursor(\'{"id": 0, "s": "w"}\', \'s\')); SELECT projectalpha.count_records(\'sp\', :\'filter\', \'token-of-sp\') > 0 AS counted;'
\set calls ':store :bulk :list :find :common :list_common :register :use :delete :refused_1 :refused_2'
-- The HTTP endpoints, with the headers of a request as PostgREST hands them over.
\set headers_1 'SELECT pg_catalog.set_config(\'request.headers\', \'{"x-uri": "/tools/sp", "token": "token-of-sp", "admin-token": "admin-of-sp"}\', false) IS NULL AS headers;'
\set headers_2 'SELECT pg_catalog.set_config(\'request.headers\', \'{"tool-name": "sp", "sensitive": "1", "token": "common-of-sp"}\', false) IS NULL AS headers;'
\set headers_3 'SELECT pg_catalog.set_config(\'request.headers\', \'{"x-uri": "/tools/sp_http", "admin-token": "admin-of-sp"}\', false) IS NULL AS headers;'
\set http_1 ':headers_1 SELECT pg_catalog.convert_from(projectalpha_http.store_record(\'{"n": 2}\'), \'UTF8\') AS answer;'
\set http_2 'SELECT pg_catalog.convert_from(projectalpha_http.register_tool(\'{"tool_name": "sp_http", "token": "token-of-sp", "schema": []}\'), \'UTF8\') AS answer;'
\set http_3 'SELECT pg_catalog.left(pg_catalog.convert_from(projectalpha_http.list_records(\'\'), \'UTF8\'), 8) AS answer;'
\set http_4 ':headers_2 SELECT pg_catalog.convert_from(projectalpha_http.store_common(\'{}\'), \'UTF8\') AS answer;'
\set http_5 ':headers_3 SELECT pg_catalog.convert_from(projectalpha_http.delete_tool(\'\'), \'UTF8\') AS answer;'
\set headers_4 'SELECT pg_catalog.set_config(\'request.headers\', \'{"x-uri": "/tools/sp/records:count?n.gte=2&s.is_null=true", "token": "token-of-sp"}\', false) IS NULL AS headers;'
\set http_6 ':headers_4 SELECT pg_catalog.left(pg_catalog.convert_from(projectalpha_http.count_records(\'\'), \'UTF8\'), 9) AS answer;'
\set http ':http_1 :http_2 :http_3 :http_4 :http_5 :http_6'

-- The trap works: planted in both places, it catches the role itself.
SET SESSION AUTHORIZATION regress_low;
SELECT public.regress_plant('regress_evil');
SELECT public.regress_plant('pg_temp');
SET search_path = regress_evil, pg_catalog;
SELECT 1 AS one WHERE 'a'::pg_catalog.text = 'b'::pg_catalog.text;
SET search_path = pg_temp, pg_catalog;
SELECT 1 AS one WHERE 'a'::pg_catalog.text = 'b'::pg_catalog.text;
SELECT 'a'::text AS text;
RESET search_path;
SELECT setval('public.regress_ran', 0, false);

-- Plans made before, then the path is changed; types of pg_temp are found without any path.
:calls
SET search_path = regress_evil, pg_catalog, pg_temp;
:calls
SET search_path = pg_temp, regress_evil, pg_catalog;
:calls
:http

-- A new session: plans made under the hostile path.
\c
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_low;
SELECT public.regress_plant('pg_temp');
SET search_path = pg_temp, regress_evil, pg_catalog;
:http
:calls
-- And used when what they could have found is gone.
RESET search_path;
DISCARD TEMP;
:calls

-- A DBA's own code on the table, written without a hostile path in mind: a check, a default, an index, a policy, a domain.
RESET SESSION AUTHORIZATION;
CREATE SCHEMA regress_app;
GRANT USAGE ON SCHEMA regress_app TO PUBLIC;
CREATE FUNCTION regress_app.is_fine(t text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN length(lower(t)) < 1000; END $$;
CREATE FUNCTION regress_app.folded(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN lower(t); END $$;
CREATE FUNCTION regress_app.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.s := lower(NEW.s); RETURN NEW; END $$;
CREATE DOMAIN regress_app.fine AS text CHECK (regress_app.is_fine(VALUE));
\set as_low 'SET SESSION AUTHORIZATION regress_low; SET search_path = regress_evil, pg_catalog; :store :bulk :list :find RESET search_path; RESET SESSION AUTHORIZATION;'
TRUNCATE projectalpha_data.tool_sp;
ALTER TABLE projectalpha_data.tool_sp ADD CONSTRAINT fine CHECK (regress_app.is_fine(s));
:as_low
ALTER TABLE projectalpha_data.tool_sp DROP CONSTRAINT fine, ADD COLUMN extra text DEFAULT regress_app.folded('X');
:as_low
ALTER TABLE projectalpha_data.tool_sp DROP COLUMN extra, ADD COLUMN extra text GENERATED ALWAYS AS (regress_app.folded(s)) STORED;
:as_low
ALTER TABLE projectalpha_data.tool_sp DROP COLUMN extra;
CREATE INDEX folded ON projectalpha_data.tool_sp (regress_app.folded(s)) WHERE regress_app.is_fine(s);
:as_low
DROP INDEX projectalpha_data.folded;
-- PostgreSQL's own functions, one of which looks at the path: of these two names each is found in one of them alone.
ALTER TABLE projectalpha_data.tool_sp ADD CONSTRAINT known CHECK (length(s) < 1000 AND j <> '{}'::jsonb),
    ADD CONSTRAINT path CHECK (to_regclass('pg_class') IS NOT NULL AND to_regclass('tool_sp') IS NULL);
:as_low
ALTER TABLE projectalpha_data.tool_sp DROP CONSTRAINT path;
:as_low
-- Somebody's operator, behind a built-in look.
CREATE FUNCTION regress_app.less(text, text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN lower($1) < lower($2); END $$;
CREATE OPERATOR regress_app.<<< (FUNCTION = regress_app.less, LEFTARG = text, RIGHTARG = text);
ALTER TABLE projectalpha_data.tool_sp ADD CONSTRAINT less CHECK (s OPERATOR(regress_app.<<<) 'z');
:as_low
ALTER TABLE projectalpha_data.tool_sp DROP CONSTRAINT less, DROP CONSTRAINT known;
CREATE TRIGGER note BEFORE INSERT ON projectalpha_data.tool_sp FOR EACH ROW EXECUTE FUNCTION regress_app.note();
:as_low
DROP TRIGGER note ON projectalpha_data.tool_sp;
ALTER TABLE projectalpha_data.tool_sp ALTER COLUMN s TYPE regress_app.fine;
:as_low
ALTER TABLE projectalpha_data.tool_sp ALTER COLUMN s TYPE text;
ALTER TABLE projectalpha_data.tool_sp ADD COLUMN extra regress_app.fine;
:as_low
ALTER TABLE projectalpha_data.tool_sp DROP COLUMN extra, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY fine ON projectalpha_data.tool_sp USING (regress_app.is_fine(s));
:as_low
DROP POLICY fine ON projectalpha_data.tool_sp;
ALTER TABLE projectalpha_data.tool_sp DISABLE ROW LEVEL SECURITY;
-- A view in the place of the table.
ALTER TABLE projectalpha_data.tool_sp RENAME TO tool_sp_real;
CREATE VIEW projectalpha_data.tool_sp AS SELECT * FROM projectalpha_data.tool_sp_real WHERE regress_app.is_fine(s);
ALTER VIEW projectalpha_data.tool_sp OWNER TO projectalpha_owner;
:as_low
DROP VIEW projectalpha_data.tool_sp;
ALTER TABLE projectalpha_data.tool_sp_real RENAME TO tool_sp;

-- The same on the common table.
ALTER TABLE projectalpha_data.multiple_tools ADD CONSTRAINT fine CHECK (regress_app.is_fine(tool_name));
SET SESSION AUTHORIZATION regress_low;
SET search_path = regress_evil, pg_catalog;
SELECT projectalpha.store_common('sp', '{}') > 0 AS stored;
RESET search_path;
RESET SESSION AUTHORIZATION;

-- An administrator with a hostile path of somebody else's.
SET SESSION AUTHORIZATION projectalpha_admin;
SET search_path = regress_evil, pg_catalog;
SELECT table_name FROM projectalpha.register_tool('sp_admin', 'token-of-sp');
SELECT projectalpha.delete_tool('sp_admin');
SELECT projectalpha.add_common_token('common-of-sp-2') IS NOT NULL AS added;
SELECT projectalpha.revoke_token('common-of-sp-2');
SELECT projectalpha.set_admin_token('admin-of-sp-2') IS NOT NULL AS set;
SELECT count(*) FROM projectalpha.registered_tools;
SELECT count(*) FROM projectalpha.active_tokens;
-- Configured tools: in the common table, promoted batch by batch, in a table of their own.
SELECT table_name FROM projectalpha.configure_tool('sp_small', true, token => 'token-of-small');
SELECT projectalpha.store_configured('sp_small', '{"n": 1}', 'token-of-small') > 0 AS stored FROM pg_catalog.generate_series(1, 3);
SELECT count(*) AS listed FROM projectalpha.list_configured('sp_small', token => 'token-of-small');
SELECT count(*) > 0 AS advised FROM projectalpha.storage_advice();
SELECT moved, done FROM projectalpha.promote_tool('sp_small', 1);
SELECT count(*) AS listed FROM projectalpha.list_configured('sp_small', token => 'token-of-small');
CALL projectalpha.promote_tool_in_batches('sp_small', 1);
SELECT projectalpha.store_configured('sp_small', '{"n": 1}', 'token-of-small') > 0 AS stored;
SELECT table_name FROM projectalpha.configure_tool('sp_own', use_individual_table => true);
SELECT projectalpha.store_configured('sp_own', '{"n": 1}') AS stored;
SELECT projectalpha.unconfigure_tool('sp_own');
SELECT projectalpha.delete_tool('sp_small'), projectalpha.delete_tool('sp_own');
SELECT count(*) FROM projectalpha.configured_tools;
-- What projects share and keep, with the project's token and without.
SELECT projectalpha.create_project('sp') AS sp_project \gset
SELECT projectalpha.issue_project_token(:sp_project) AS sp_token, projectalpha.issue_project_token(:sp_project, '{read}', 'infinity') IS NOT NULL AS issued \gset
SELECT projectalpha.create_object_model('sp', '1', '{"type": "object"}') AS sp_model, projectalpha.create_object_model('sp', '2', '{}') AS sp_model_2 \gset
SELECT projectalpha.create_prompt('sp', 'Hello {{name}}', '{"name": {"default": "Ann"}}', :sp_model) AS sp_prompt, projectalpha.create_prompt('sp_2', 'x') AS sp_prompt_2 \gset
SELECT projectalpha.update_prompt(:sp_prompt, name => 'sp_1', template => 'Hello, {{name}}');
\set keep_1 'SELECT projectalpha.store_content(:sp_project, :sp_model, \'t\', \'b\', \'{}\', :\'sp_token\') > 0 AS content_stored; SELECT projectalpha.set_vocabulary(:sp_project, \'t\', \'d\', \'c\', :\'sp_token\');'
\set keep_2 'SELECT projectalpha.set_metadata(:sp_project, \'k\', \'1\', \'d\', :\'sp_token\'); SELECT projectalpha.record_llm_usage(:sp_project, :sp_prompt, \'m\', 1, 1, 0.1, :\'sp_token\') > 0 AS recorded;'
\set keep_3 'SELECT projectalpha.adapt_prompt(:sp_project, :sp_prompt, \'Hi {{name}}\', :\'sp_token\'); SELECT projectalpha.render_prompt(:sp_project, :sp_prompt, \'{}\', :\'sp_token\');'
\set keep_4 'SELECT projectalpha.render_prompt(:sp_project, :sp_prompt, \'{}\', \'wrong-token\');'
\set keep ':keep_1 :keep_2 :keep_3 :keep_4'
:keep
SELECT projectalpha.delete_object_model(:sp_model);
SELECT projectalpha.delete_object_model(:sp_model_2), projectalpha.delete_prompt(:sp_prompt_2);
SELECT calls, cost FROM projectalpha.llm_usage_daily;
SET SESSION AUTHORIZATION regress_low;
:keep
SET search_path = pg_temp, regress_evil, pg_catalog;
:keep
SET SESSION AUTHORIZATION projectalpha_admin;
SET client_min_messages = warning;
SELECT projectalpha.drop_project(:sp_project, 'sp');
RESET search_path;
RESET SESSION AUTHORIZATION;
DELETE FROM projectalpha.prompts;
DELETE FROM projectalpha.object_models;
DROP TABLE projectalpha_data.llm_usage;

-- Nothing that was planted has run, for anybody.
SELECT last_value AS runs, is_called FROM public.regress_ran;

SELECT projectalpha.delete_tool('sp');
DELETE FROM projectalpha.credentials;
DROP TABLE projectalpha_data.multiple_tools;
DROP SCHEMA regress_app CASCADE;
DROP SCHEMA regress_evil CASCADE;
DROP FUNCTION public.regress_plant;
DROP SEQUENCE public.regress_ran;
DROP ROLE regress_low;
