-- Privileges and comments of what projects share and keep.

-- Functions that check tokens themselves.
GRANT EXECUTE ON FUNCTION
    projectalpha.adapt_prompt(bigint, bigint, text, text),
    projectalpha.render_prompt(bigint, bigint, jsonb, text),
    projectalpha.store_content(bigint, bigint, text, text, jsonb, text),
    projectalpha.set_vocabulary(bigint, text, text, text, text),
    projectalpha.set_metadata(bigint, text, jsonb, text, text),
    projectalpha.record_llm_usage(bigint, bigint, text, bigint, bigint, numeric, text)
TO projectalpha_anon, projectalpha_admin;

-- Functions for administrators alone.
GRANT EXECUTE ON FUNCTION
    projectalpha.create_object_model(text, text, jsonb, text),
    projectalpha.delete_object_model(bigint),
    projectalpha.create_prompt(text, text, jsonb, bigint),
    projectalpha.update_prompt(bigint, text, text, jsonb, bigint),
    projectalpha.delete_prompt(bigint),
    projectalpha.issue_project_token(bigint, text[], timestamptz)
TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.create_object_model(text, text, jsonb, text) IS
    'Adds an object model, whose structure the metadata of contents must fit; returns its id';
COMMENT ON FUNCTION projectalpha.delete_object_model(bigint) IS
    'Deletes an object model that no content and no prompt refers to';
COMMENT ON FUNCTION projectalpha.create_prompt(text, text, jsonb, bigint) IS
    'Adds a prompt with {{placeholders}} that all projects share; returns its id';
COMMENT ON FUNCTION projectalpha.update_prompt(bigint, text, text, jsonb, bigint) IS
    'Changes what is given of a prompt, for all projects without an adaptation of it';
COMMENT ON FUNCTION projectalpha.delete_prompt(bigint) IS
    'Deletes a prompt; adaptations of it stay in their projects, of no use';
COMMENT ON FUNCTION projectalpha.issue_project_token(bigint, text[], timestamptz) IS
    'Makes a token for a project, to read, to write or both; returns it this once';
COMMENT ON FUNCTION projectalpha.adapt_prompt(bigint, bigint, text, text) IS
    'Gives a project its own text of a prompt';
COMMENT ON FUNCTION projectalpha.render_prompt(bigint, bigint, jsonb, text) IS
    'Renders a prompt as the project has it, with a value for each placeholder';
COMMENT ON FUNCTION projectalpha.store_content(bigint, bigint, text, text, jsonb, text) IS
    'Stores a content whose metadata fits its object model and returns its id';
COMMENT ON FUNCTION projectalpha.set_vocabulary(bigint, text, text, text, text) IS
    'Sets the definition of a term of a project';
COMMENT ON FUNCTION projectalpha.set_metadata(bigint, text, jsonb, text, text) IS
    'Sets a value of a project''s metadata';
COMMENT ON FUNCTION projectalpha.record_llm_usage(bigint, bigint, text, bigint, bigint, numeric, text) IS
    'Records a call of a language model for the bill and returns its id';
