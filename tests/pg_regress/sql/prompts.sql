-- Prompts: templates with placeholders, a project's own adaptations, and what is rendered.
\set VERBOSITY default
SET client_min_messages = warning;
SELECT last_value AS projects, is_called AS called FROM projectalpha.projects_id_seq \gset
SELECT setval('projectalpha.projects_id_seq', 800), setval('projectalpha.object_models_id_seq', 80), setval('projectalpha.prompts_id_seq', 40);
SELECT projectalpha.create_project('One') AS one, projectalpha.create_project('Two') AS two, projectalpha.create_object_model('m', '1', '{}') AS model \gset

SELECT projectalpha.create_prompt('teaser', 'A {{ tone }} teaser about {{topic}} in {{words}} words.'
     , '{"tone": {"description": "How it sounds", "default": "friendly"}, "words": {"default": 50}}', :model) AS teaser \gset
SELECT projectalpha.create_prompt('plain', 'No placeholders, but {"json": {"in": {}}} and {"set": {1}}') AS plain \gset
SELECT id, name, template, parameters, object_model_id FROM projectalpha.prompts ORDER BY id;
SELECT projectalpha.create_prompt('teaser', 'x');
\echo :SQLSTATE
-- Slips are told with their place.
SELECT projectalpha.create_prompt('x', 'ä {{tone} and more');
\echo :SQLSTATE
SELECT projectalpha.create_prompt('x', '{{to-ne}}');
SELECT projectalpha.create_prompt('x', 'A {tone}} teaser');
\set VERBOSITY terse
SELECT projectalpha.create_prompt('x', '{{Tone}}');
SELECT projectalpha.create_prompt('x', '{{}}');
SELECT projectalpha.create_prompt('x', format('{{%s}}', repeat('x', 64)));
SELECT projectalpha.create_prompt('x', repeat('x', 1048577));
\echo :SQLSTATE
SELECT projectalpha.create_prompt('', 'x');
SELECT projectalpha.create_prompt(NULL, 'x');
SELECT projectalpha.create_prompt('x', NULL);
SELECT projectalpha.create_prompt('x', 'x', object_model_id => -1);
-- What is said about parameters fits the template.
\set VERBOSITY default
SELECT projectalpha.create_prompt('x', '{{tone}}', '{"ton": {}}');
SELECT projectalpha.create_prompt('x', '{{tone}}', '{"tone": "friendly"}');
\set VERBOSITY terse
SELECT projectalpha.create_prompt('x', '{{tone}}', '{"tone": {"defualt": "friendly"}}');
SELECT projectalpha.create_prompt('x', '{{tone}}', '{"tone": {"description": 1}}');
SELECT projectalpha.create_prompt('x', '{{tone}}', '[]');
SELECT projectalpha.create_prompt('x', '{{tone}}', '{"tone": {"default": 1e400}}');

-- Rendering: defaults, values as they are, all else as JSON text.
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": "bread"}');
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": "{{tone}} \"quoted\" \\ ü", "tone": "", "words": 12345678901234567890.50}');
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": {"a": [1, true, null]}, "tone": true, "words": [ ]}');
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": "bread", "tone": null}');
SELECT projectalpha.render_prompt(:one, :plain), projectalpha.render_prompt(:one, :plain, '{}');
-- What is missing or unknown is named.
\set VERBOSITY default
SELECT projectalpha.render_prompt(:one, :teaser, '{"tone": "dry"}');
\echo :SQLSTATE
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": "bread", "ton": "dry", "word": 5}');
SELECT projectalpha.render_prompt(:one, :plain, '{"topic": "bread"}');
\set VERBOSITY terse
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": null}');
SELECT projectalpha.render_prompt(:one, :teaser);
SELECT projectalpha.render_prompt(:one, :teaser, '["bread"]');
SELECT projectalpha.render_prompt(:one, :teaser, '"bread"');
SELECT projectalpha.render_prompt(:one, -1);
SELECT projectalpha.render_prompt(:one, NULL);
SELECT projectalpha.render_prompt(NULL, :teaser);
SELECT projectalpha.render_prompt(899, :teaser, '{"topic": "bread"}');
-- Braces in the text are the default of a parameter.
SELECT projectalpha.create_prompt('braces', 'Write {{open}}name{{close}}.', '{"open": {"default": "{{"}, "close": {"default": "}}"}}') AS braces \gset
SELECT projectalpha.render_prompt(:one, :braces);
-- A few letters do not become gigabytes.
SELECT projectalpha.create_prompt('long', repeat('{{a}}', 1000)) AS long \gset
SELECT projectalpha.render_prompt(:one, :long, jsonb_build_object('a', repeat('x', 100000)));
\echo :SQLSTATE
SELECT length(projectalpha.render_prompt(:one, :long, jsonb_build_object('a', repeat('x', 10000))));

-- A project's adaptation is its own, one for each base.
SELECT projectalpha.adapt_prompt(:one, :teaser, 'In one {{tone}} sentence: {{topic}}.');
SELECT projectalpha.adapt_prompt(:one, :teaser, 'Briefly, {{topic}}, {{ tone }}!');
SELECT name, content, base_prompt_id, updated_at > created_at AS changed FROM project_801.prompt_components;
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": "bread"}') AS one, projectalpha.render_prompt(:two, :teaser, '{"topic": "bread"}') AS two;
-- What only the base has may be given all the same.
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": "bread", "words": 7}');
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": "bread", "size": 7}');
\set VERBOSITY default
SELECT projectalpha.adapt_prompt(:one, :teaser, 'In {{language}}: {{topic}} for {{reader}}.');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.adapt_prompt(:one, :teaser, 'In {{language');
SELECT projectalpha.adapt_prompt(:one, -1, 'x');
SELECT projectalpha.adapt_prompt(:one, NULL, 'x');
SELECT projectalpha.adapt_prompt(:one, :teaser, NULL);
SELECT projectalpha.adapt_prompt(899, :teaser, 'x');
SELECT count(*) FROM project_801.prompt_components;
-- Of two that somebody has added by hand, the newer one counts; both are changed.
INSERT INTO project_801.prompt_components (name, content, base_prompt_id, updated_at) VALUES ('by hand', 'By hand: {{topic}}', :teaser, now() + interval '1 hour');
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": "bread"}');
SELECT projectalpha.adapt_prompt(:one, :teaser, 'Again: {{topic}}');
SELECT name, content FROM project_801.prompt_components;
-- By hand, anything may be there; it is told when it is used.
UPDATE project_801.prompt_components SET content = 'Broken {{';
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": "bread"}');
UPDATE project_801.prompt_components SET content = 'Own {{placeholder}}';
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": "bread"}');
SELECT projectalpha.render_prompt(:one, :teaser, '{"topic": "bread", "placeholder": "words"}');

-- Changing a prompt: what is not given stays.
SELECT projectalpha.update_prompt(:teaser, template => 'About {{topic}}, {{tone}}, {{words}}.');
SELECT projectalpha.update_prompt(:teaser, name => 'teasing');
SELECT projectalpha.update_prompt(:teaser, parameters => '{"topic": {"default": "bread"}}');
SELECT name, template, parameters, object_model_id = :model AS same_model, updated_at > created_at AS changed FROM projectalpha.prompts WHERE id = :teaser;
SELECT projectalpha.render_prompt(:two, :teaser, '{"tone": "dry", "words": 5}');
SELECT projectalpha.update_prompt(:teaser, template => 'Nothing.');
SELECT projectalpha.update_prompt(:teaser, template => 'Nothing.', parameters => '{}', name => 'plain');
SELECT projectalpha.update_prompt(:teaser, template => 'Nothing.', parameters => '{}', object_model_id => -1);
SELECT projectalpha.update_prompt(:teaser, template => 'Nothing.', parameters => '{}');
SELECT projectalpha.render_prompt(:two, :teaser);
SELECT projectalpha.update_prompt(-1, name => 'x');
SELECT projectalpha.update_prompt(NULL, name => 'x');
-- Deleting one leaves the adaptation, of no use.
SELECT projectalpha.delete_prompt(:teaser);
SELECT projectalpha.render_prompt(:one, :teaser);
SELECT projectalpha.delete_prompt(:teaser);
SELECT projectalpha.delete_prompt(NULL);
SELECT count(*) FROM project_801.prompt_components;

-- Rendering only reads; the rest does not pass for reading.
SELECT projectalpha.adapt_prompt(:one, :plain, 'Adapted.');
BEGIN READ ONLY;
SELECT projectalpha.render_prompt(:one, :plain);
SELECT projectalpha.adapt_prompt(:one, :plain, 'x');
ROLLBACK;

SELECT projectalpha.drop_project(:one, 'One'), projectalpha.drop_project(:two, 'Two');
DELETE FROM projectalpha.prompts;
DELETE FROM projectalpha.object_models;
SELECT setval('projectalpha.projects_id_seq', :projects, :'called') IS NOT NULL AS as_before;
