-- The same service as a good DBA writes it, in PL/pgSQL: a registry, the token as a digest, a check of each field
-- against the schema, a table for each tool that the function alone may write. What does not depend on the record is
-- made once, at registration: columns and values of the INSERT.
CREATE SCHEMA good_dba;

CREATE TABLE good_dba.tools
( tool_name text PRIMARY KEY
, token_digest bytea NOT NULL
, fields jsonb NOT NULL        -- {"user_id": "number", ...}: what jsonb_typeof has to say
, columns_and_values text NOT NULL
);

CREATE FUNCTION good_dba.register_tool(tool_name text, token text, schema jsonb) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO good_dba.tools
    SELECT register_tool.tool_name
         , sha256(convert_to(register_tool.token, 'UTF8'))
         , jsonb_object_agg(f.name, CASE f.type WHEN 'int' THEN 'number' WHEN 'str' THEN 'string' END)
         , format('(%s) VALUES (%s)',
                  string_agg(format('%I', f.name), ', '),
                  string_agg(format(CASE f.type WHEN 'int' THEN '($1 ->> %L)::bigint' ELSE '$1 ->> %L' END, f.name), ', '))
      FROM jsonb_to_recordset(register_tool.schema) AS f(name text, type text);
END;

CREATE FUNCTION good_dba.store_record(tool_name text, token text, payload jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tool good_dba.tools;
    field record;
    new_id bigint;
BEGIN
    SELECT * INTO tool FROM good_dba.tools AS t WHERE t.tool_name = store_record.tool_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Tool not found' USING ERRCODE = 'undefined_object';
    END IF;
    IF tool.token_digest IS DISTINCT FROM sha256(convert_to(token, 'UTF8')) THEN
        RAISE EXCEPTION 'Invalid token' USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    FOR field IN SELECT key AS name, value AS type FROM jsonb_each_text(tool.fields) LOOP
        IF jsonb_typeof(payload -> field.name) NOT IN (field.type, 'null') THEN
            RAISE EXCEPTION 'Field ''%'' expected %, got %', field.name, field.type, jsonb_typeof(payload -> field.name)
                USING ERRCODE = 'datatype_mismatch';
        END IF;
    END LOOP;
    EXECUTE format('INSERT INTO twins.%I %s RETURNING id', tool_name, tool.columns_and_values)
        INTO new_id USING payload;
    RETURN new_id;
END
$$;
