-- Version 1 of every project's schema: spec 003's project tables. Frozen: projects
-- have its checksum.
INSERT INTO projectalpha.project_migrations (version, name, sql, checksum, created_by)
SELECT 1, 'tables of spec 003', t.sql, sha256(convert_to(t.sql, 'UTF8')), 'projectalpha_store'
  FROM ( VALUES ($template$
CREATE TABLE contents
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, title varchar(255)
, body text NOT NULL
, object_model_id bigint NOT NULL
, metadata jsonb
, created_at timestamptz NOT NULL DEFAULT now()
, updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON contents (object_model_id);

CREATE TABLE metadata
( key varchar(255) PRIMARY KEY
, value jsonb NOT NULL
, description text
, updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE vocabulary
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, term varchar(255) NOT NULL
, definition text NOT NULL
, category varchar(100)
, created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON vocabulary (term);

CREATE TABLE prompt_components
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, name varchar(255) NOT NULL
, content text NOT NULL
, base_prompt_id bigint
, created_at timestamptz NOT NULL DEFAULT now()
, updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON prompt_components (base_prompt_id);
$template$) ) AS t (sql);
