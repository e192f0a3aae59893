-- What all projects share: object models and prompts (spec 003's public schema). No foreign keys, for the reason given at projectalpha.credentials.

CREATE TABLE projectalpha.object_models
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, name text NOT NULL
, version text NOT NULL
, structure jsonb NOT NULL CHECK (jsonb_typeof(structure) = 'object')
, description text
, created_at timestamptz NOT NULL DEFAULT now()
, UNIQUE (name, version)
);
COMMENT ON TABLE projectalpha.object_models IS
    'What contents of projects are instances of; structure is the JSON Schema of their metadata';

CREATE TABLE projectalpha.prompts
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, name text NOT NULL UNIQUE
, template text NOT NULL
, parameters jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(parameters) = 'object')
, object_model_id bigint
, created_at timestamptz NOT NULL DEFAULT now()
, updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX prompts_object_model_id ON projectalpha.prompts (object_model_id) WHERE object_model_id IS NOT NULL;
COMMENT ON TABLE projectalpha.prompts IS
    'Templates with {{placeholders}}; a project may have an adaptation of its own in prompt_components';

-- The bill. PL/pgSQL, as it is planned when it runs: the table of usage is made at first use. With bounds it
-- reads those days alone; NULL is no bound. No number that somebody reports makes it fail: sums end at the largest bigint.
CREATE FUNCTION projectalpha.llm_usage_by_day(from_day date DEFAULT NULL, to_day date DEFAULT NULL)
RETURNS TABLE (day date, client_id bigint, client text, project_id bigint, project text, model text,
               calls bigint, tokens_in bigint, tokens_out bigint, cost numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF to_regclass('projectalpha_data.llm_usage') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT s.day, s.client_id, c.name, s.project_id, p.name, s.model
         , s.calls, s.tokens_in, s.tokens_out, s.cost
      FROM ( SELECT (u.created_at AT TIME ZONE 'UTC')::date AS day
                  , u.client_id
                  , u.project_id
                  , u.model
                  , count(*) AS calls
                  , least(sum(u.tokens_in), 9223372036854775807)::bigint AS tokens_in
                  , least(sum(u.tokens_out), 9223372036854775807)::bigint AS tokens_out
                  , trim_scale(sum(u.cost)) AS cost
               FROM projectalpha_data.llm_usage AS u
              WHERE u.created_at >= coalesce(llm_usage_by_day.from_day::timestamp AT TIME ZONE 'UTC', '-infinity')
                AND u.created_at < coalesce((llm_usage_by_day.to_day + 1)::timestamp AT TIME ZONE 'UTC', 'infinity')
              GROUP BY 1, 2, 3, 4 ) AS s
      LEFT JOIN projectalpha.clients AS c ON c.id = s.client_id
      LEFT JOIN projectalpha.projects AS p ON p.id = s.project_id
     ORDER BY s.day, s.client_id, s.project_id, s.model;
END
$$;
COMMENT ON FUNCTION projectalpha.llm_usage_by_day(date, date) IS
    'What LLM calls have cost, by day (UTC), client, project and model; both days inclusive';

CREATE VIEW projectalpha.llm_usage_daily AS
SELECT u.day, u.client_id, u.client, u.project_id, u.project, u.model, u.calls, u.tokens_in, u.tokens_out, u.cost
  FROM projectalpha.llm_usage_by_day() AS u;
COMMENT ON VIEW projectalpha.llm_usage_daily IS
    'What LLM calls have cost, by day (UTC), client, project and model';
COMMENT ON COLUMN projectalpha.llm_usage_daily.client_id IS
    'The client that the project belonged to at the time of the call; NULL if none';
COMMENT ON COLUMN projectalpha.llm_usage_daily.project IS
    'NULL once the project is dropped: its calls stay on the bill';

GRANT SELECT ON projectalpha.object_models, projectalpha.prompts TO projectalpha_admin, projectalpha_reader;
GRANT SELECT ON projectalpha.llm_usage_daily TO projectalpha_admin, projectalpha_reader;
GRANT EXECUTE ON FUNCTION projectalpha.llm_usage_by_day(date, date) TO projectalpha_admin, projectalpha_reader;

SELECT pg_extension_config_dump('projectalpha.object_models', '');
SELECT pg_extension_config_dump('projectalpha.object_models_id_seq', '');
SELECT pg_extension_config_dump('projectalpha.prompts', '');
SELECT pg_extension_config_dump('projectalpha.prompts_id_seq', '');
