-- Object models, contents, vocabulary, metadata and usage (spec 003): what is stored, and what is refused.
\set VERBOSITY default
SET client_min_messages = warning;
SET TimeZone = 'UTC';
-- Ids that do not depend on the tests before.
SELECT last_value AS projects, is_called AS called FROM projectalpha.projects_id_seq \gset
SELECT setval('projectalpha.projects_id_seq', 700), setval('projectalpha.object_models_id_seq', 70), setval('projectalpha.prompts_id_seq', 30);
SELECT projectalpha.create_client('Ann & Co') AS client \gset
SELECT projectalpha.create_project('Winter', :client) AS winter, projectalpha.create_project('Summer') AS summer \gset

-- Object models.
SELECT projectalpha.create_object_model('article', '1', '{"type": "object", "required": ["author"], "additionalProperties": false
     , "properties": {"author": {"type": "string", "maxLength": 10}, "tags": {"type": "array", "items": {"enum": ["a", "b"]}}}}', 'What people read') AS article \gset
SELECT projectalpha.create_object_model('anything', '1', '{}') AS anything \gset
SELECT projectalpha.create_object_model('article', '2', '{"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}}') AS article_2 \gset
SELECT id, name, version, description, structure->'required' AS required FROM projectalpha.object_models ORDER BY id;
SELECT projectalpha.create_object_model('article', '2', '{}');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.create_object_model('', '1', '{}');
SELECT projectalpha.create_object_model(E'a\tb', '1', '{}');
SELECT projectalpha.create_object_model(repeat('x', 256), '1', '{}');
SELECT projectalpha.create_object_model('x', repeat('1', 51), '{}');
SELECT projectalpha.create_object_model(NULL, '1', '{}');
SELECT projectalpha.create_object_model('x', NULL, '{}');
SELECT projectalpha.create_object_model('x', '1', NULL);
-- A structure that is none is refused with the place of what is wrong.
\set VERBOSITY default
SELECT projectalpha.create_object_model('x', '1', '{"properties": {"a": {"type": "strin"}}}');
\echo :SQLSTATE
SELECT projectalpha.create_object_model('x', '1', '[]');
\set VERBOSITY terse
SELECT projectalpha.create_object_model('x', '1', 'true');
SELECT projectalpha.create_object_model('x', '1', '{"required": "a"}');
SELECT projectalpha.create_object_model('x', '1', '{"minLength": -1}');
SELECT projectalpha.create_object_model('x', '1', '{"pattern": "("}');
SELECT projectalpha.create_object_model('x', '1', '{"$ref": "https://example.org/schema.json"}');
SELECT projectalpha.create_object_model('x', '1', '{"$ref": "#/$defs/none"}');
SELECT projectalpha.create_object_model('x', '1', '{"maximum": 1e400}');
SELECT projectalpha.create_object_model('x', '1', (repeat('{"not": ', 200) || '{}' || repeat('}', 200))::jsonb);
SELECT projectalpha.create_object_model('x', '1', jsonb_build_object('description', repeat('x', 300000)));
\echo :SQLSTATE

-- Contents.
SELECT projectalpha.store_content(:winter, :article, 'Bread', 'Take flour ...', '{"author": "Ann", "tags": ["a"]}');
SELECT projectalpha.store_content(:winter, :anything, NULL, '');
SELECT projectalpha.store_content(:winter, :anything, '', 'b', '[1, 1.50, null]');
SELECT projectalpha.store_content(:summer, :article_2, 'Ice', 'Take snow ...', '{}');
-- Spec 003: the join of contents with object models.
SELECT c.id, c.title, c.body, c.metadata, now() - c.created_at < interval '1 hour' AS now, o.name AS model_name, o.version
  FROM project_701.contents AS c JOIN projectalpha.object_models AS o ON c.object_model_id = o.id ORDER BY c.id;
-- All that does not fit is told, without a value.
\set VERBOSITY default
SELECT projectalpha.store_content(:winter, :article, 'Bread', 'Take flour ...', '{"author": "a secret of many letters", "tags": ["a", "secret"], "more": 1}');
\echo :SQLSTATE
SELECT projectalpha.store_content(:winter, :article, 'Bread', 'Take flour ...');
\set VERBOSITY terse
SELECT projectalpha.store_content(:winter, :article, 'Bread', 'b', 'null');
SELECT projectalpha.store_content(:winter, :article, 'Bread', 'b', '{"author": 1e400}');
SELECT projectalpha.store_content(:winter, -1, 'Bread', 'b', '{}');
SELECT projectalpha.store_content(:winter, :anything, repeat('é', 256), 'b', '{}');
SELECT projectalpha.store_content(:winter, :anything, repeat('é', 255), 'b', '{}') IS NOT NULL AS stored;
SELECT projectalpha.store_content(:winter, NULL, 'Bread', 'b', '{}');
SELECT projectalpha.store_content(:winter, :anything, 'Bread', NULL, '{}');
SELECT projectalpha.store_content(NULL, :anything, 'Bread', 'b', '{}');
SELECT projectalpha.store_content(0, :anything, 'Bread', 'b', '{}');
SELECT projectalpha.store_content(799, :anything, 'Bread', 'b', '{}');
SELECT count(*) FROM project_701.contents;
-- A structure that somebody changes by hand counts at once.
UPDATE projectalpha.object_models SET structure = '{"type": "string"}' WHERE id = :anything;
SELECT projectalpha.store_content(:winter, :anything, 'Bread', 'b', '{}');
UPDATE projectalpha.object_models SET structure = '{"type": 1}' WHERE id = :anything;
SELECT projectalpha.store_content(:winter, :anything, 'Bread', 'b', '{}');
\echo :SQLSTATE
UPDATE projectalpha.object_models SET structure = '{}' WHERE id = :anything;
-- More models than a session keeps compiled.
SELECT count(projectalpha.store_content(:summer, projectalpha.create_object_model('many', n::text, jsonb_build_object('const', n)), NULL, 'b', to_jsonb(n))) FROM generate_series(1, 40) AS n;
SELECT count(projectalpha.store_content(:summer, m.id, NULL, 'b', m.version::jsonb)) FROM projectalpha.object_models AS m WHERE m.name = 'many';
SELECT projectalpha.store_content(:summer, m.id, NULL, 'b', '2') FROM projectalpha.object_models AS m WHERE m.name = 'many' AND m.version = '1';

-- A model in use is not deleted: by contents of which projects, by which prompts.
SELECT projectalpha.create_prompt('for articles', 'Write.', object_model_id => :article) AS prompt \gset
\set VERBOSITY default
SELECT projectalpha.delete_object_model(:article);
\echo :SQLSTATE
SELECT projectalpha.delete_prompt(:prompt);
SELECT projectalpha.store_content(:summer, :article, NULL, 'b', '{"author": "Ann"}') IS NOT NULL AS stored;
SELECT projectalpha.delete_object_model(:article);
\set VERBOSITY terse
DELETE FROM project_701.contents WHERE object_model_id = :article;
DELETE FROM project_702.contents WHERE object_model_id = :article;
-- Whoever wrote them.
INSERT INTO project_702.contents (body, object_model_id) VALUES ('by hand', :article);
SELECT projectalpha.delete_object_model(:article);
DELETE FROM project_702.contents WHERE object_model_id = :article;
SELECT projectalpha.delete_object_model(:article);
SELECT projectalpha.store_content(:winter, :article, NULL, 'b', '{"author": "Ann"}');
SELECT projectalpha.delete_object_model(:article);
SELECT projectalpha.delete_object_model(NULL);
-- Inside one transaction too, and in an older snapshot.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT projectalpha.create_object_model('late', '1', '{}') AS late \gset
SELECT projectalpha.store_content(:winter, :late, NULL, 'b') IS NOT NULL AS stored;
SAVEPOINT s;
SELECT projectalpha.delete_object_model(:late);
ROLLBACK TO s;
DELETE FROM project_701.contents WHERE object_model_id = :late;
SELECT projectalpha.delete_object_model(:late);
COMMIT;

-- Vocabulary: by term, once.
SELECT projectalpha.set_vocabulary(:winter, 'sourdough', 'Dough', 'baking');
SELECT projectalpha.set_vocabulary(:winter, 'sourdough', 'Dough that wild yeast raises');
SELECT projectalpha.set_vocabulary(:winter, 'Sourdough', 'Another term', NULL);
SELECT id, term, definition, category FROM project_701.vocabulary ORDER BY id;
SELECT projectalpha.set_vocabulary(:winter, '', 'd');
SELECT projectalpha.set_vocabulary(:winter, E'a\nb', 'd');
SELECT projectalpha.set_vocabulary(:winter, repeat('x', 256), 'd');
SELECT projectalpha.set_vocabulary(:winter, 't', 'd', repeat('x', 101));
SELECT projectalpha.set_vocabulary(:winter, NULL, 'd');
SELECT projectalpha.set_vocabulary(:winter, 't', NULL);
SELECT projectalpha.set_vocabulary(799, 't', 'd');

-- Metadata: by key, once.
SELECT projectalpha.set_metadata(:winter, 'language', '"en"', 'Of all texts');
SELECT projectalpha.set_metadata(:winter, 'language', '{"default": "de", "n": 1.50}');
SELECT projectalpha.set_metadata(:winter, 'none', 'null');
SELECT key, value, description FROM project_701.metadata ORDER BY key;
SELECT projectalpha.set_metadata(:winter, ' ', '1');
SELECT projectalpha.set_metadata(:winter, 'k', NULL);
SELECT projectalpha.set_metadata(:winter, NULL, '1');
SELECT projectalpha.set_metadata(799, 'k', '1');
-- Nothing of it is anybody else's.
SELECT (SELECT count(*) FROM project_702.vocabulary) AS terms, (SELECT count(*) FROM project_702.metadata) AS keys;

-- Usage: no bill before there is any.
DROP TABLE IF EXISTS projectalpha_data.llm_usage;
SELECT count(*) FROM projectalpha.llm_usage_daily;
SELECT projectalpha.create_prompt('teaser', 'Write a teaser.') AS prompt \gset
SELECT projectalpha.record_llm_usage(:winter, :prompt, 'model-1', 1200, 340, 0.0123);
SELECT projectalpha.record_llm_usage(:winter, NULL, 'model-1', 0, 0, 0);
SELECT projectalpha.record_llm_usage(:winter, :prompt, 'model-2', 5000000000, 1, 9999.999999);
SELECT projectalpha.record_llm_usage(:summer, :prompt, 'model-1', 10, 10, 0.30000000000000004);
\d projectalpha_data.llm_usage
SELECT project_id, client_id = :client AS clients, prompt_id, model, tokens_in, tokens_out, cost, now() - created_at < interval '1 hour' AS now FROM projectalpha_data.llm_usage ORDER BY id;
SELECT day = (now() AT TIME ZONE 'UTC')::date AS today, client_id = :client AS clients, client, project_id, project, model, calls, tokens_in, tokens_out, cost FROM projectalpha.llm_usage_daily;
-- No number that somebody reports keeps the others from their bill.
BEGIN;
SELECT count(projectalpha.record_llm_usage(:summer, NULL, 'model-2', 9223372036854775807, 9223372036854775807, 0)) FROM generate_series(1, 2);
SELECT project, model, tokens_in, tokens_out FROM projectalpha.llm_usage_daily WHERE model = 'model-2' ORDER BY project_id;
ROLLBACK;
-- What would be rounded, negative or beyond all reason.
\set VERBOSITY default
SELECT projectalpha.record_llm_usage(:winter, NULL, 'm', 1, 1, -0.000001);
\set VERBOSITY terse
SELECT projectalpha.record_llm_usage(:winter, NULL, 'm', 1, 1, 'NaN');
SELECT projectalpha.record_llm_usage(:winter, NULL, 'm', 1, 1, 'Infinity');
SELECT projectalpha.record_llm_usage(:winter, NULL, 'm', 1, 1, 10000);
SELECT projectalpha.record_llm_usage(:winter, NULL, 'm', 1, 1, 9999.9999999999999);
SELECT projectalpha.record_llm_usage(:winter, NULL, 'm', 1, 1, 1e100);
SELECT projectalpha.record_llm_usage(:winter, NULL, 'm', 1, 1, NULL);
SELECT projectalpha.record_llm_usage(:winter, NULL, 'm', -1, 1, 0);
SELECT projectalpha.record_llm_usage(:winter, NULL, 'm', 1, -1, 0);
SELECT projectalpha.record_llm_usage(:winter, NULL, 'm', NULL, 1, 0);
SELECT projectalpha.record_llm_usage(:winter, NULL, '', 1, 1, 0);
SELECT projectalpha.record_llm_usage(:winter, NULL, NULL, 1, 1, 0);
SELECT projectalpha.record_llm_usage(:winter, -1, 'm', 1, 1, 0);
SELECT projectalpha.record_llm_usage(799, NULL, 'm', 1, 1, 0);
SELECT count(*) FROM projectalpha_data.llm_usage;
-- Days are those of UTC, wherever one looks from; both bounds are inclusive.
UPDATE projectalpha_data.llm_usage SET created_at = CASE model WHEN 'model-1' THEN '2026-03-01 23:59:59.999999+00' ELSE '2026-03-02 00:00:00+00' END::timestamptz;
SET TimeZone = 'Pacific/Kiritimati';
SELECT to_char(day, 'YYYY-MM-DD') AS day, project_id, model, calls, cost FROM projectalpha.llm_usage_daily;
SELECT to_char(day, 'YYYY-MM-DD') AS day, count(*) FROM projectalpha.llm_usage_by_day('2026-03-01', '2026-03-01') GROUP BY 1;
SELECT to_char(day, 'YYYY-MM-DD') AS day, count(*) FROM projectalpha.llm_usage_by_day('2026-03-02') GROUP BY 1;
SELECT count(*) FROM projectalpha.llm_usage_by_day(to_day => '2026-02-28');
SELECT count(*) FROM projectalpha.llm_usage_by_day('-infinity', 'infinity');
RESET TimeZone;
-- A client is billed for what was his when it was spent, also when the project is gone.
SELECT projectalpha.drop_project(:winter, 'Winter');
SELECT client, project_id, project, sum(calls) AS calls FROM projectalpha.llm_usage_daily GROUP BY 1, 2, 3 ORDER BY 2;

-- A table of a project that is somebody else's, or gone, is not written to.
CREATE ROLE regress_squatter;
ALTER TABLE project_702.metadata OWNER TO regress_squatter;
SELECT projectalpha.set_metadata(:summer, 'k', '1');
DROP TABLE project_702.metadata, project_702.contents;
SELECT projectalpha.set_metadata(:summer, 'k', '1');
SELECT projectalpha.delete_object_model(:article_2);
-- Who reads what.
CREATE ROLE regress_reader IN ROLE projectalpha_reader;
SET ROLE regress_reader;
SELECT count(*) > 0 AS reads FROM projectalpha.llm_usage_daily;
SELECT count(*) > 0 AS reads FROM projectalpha.object_models;
SELECT count(*) > 0 AS reads FROM projectalpha.prompts;
SELECT count(*) > 0 AS reads FROM projectalpha_data.llm_usage;
SELECT projectalpha.create_object_model('x', '1', '{}');
RESET ROLE;

SELECT projectalpha.drop_project(:summer, 'Summer');
SELECT projectalpha.delete_client(:client);
DELETE FROM projectalpha.object_models;
DELETE FROM projectalpha.prompts;
DROP TABLE projectalpha_data.llm_usage;
DROP ROLE regress_squatter, regress_reader;
SELECT setval('projectalpha.projects_id_seq', :projects, :'called') IS NOT NULL AS as_before;
