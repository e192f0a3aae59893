"""A project moves to another database: export_project, pg_dump -n of its schema, psql, adopt_project."""

import json
import re

import psycopg
import pytest

from cluster import rows, value

STRUCTURE = {"type": "object", "properties": {"words": {"type": "number"}}}
SURVEY = [{"name": "rating", "type": "int", "min": 1, "max": 5}, {"name": "note", "type": "str", "unique": True}]
# All that must be the same on the other side, but for the ids of what all projects share.
TABLES = {
    "contents": """SELECT c.id, c.title, c.body, m.name, m.version, c.metadata::text, c.created_at, c.updated_at
                     FROM {schema}.contents AS c JOIN projectalpha.object_models AS m ON m.id = c.object_model_id ORDER BY c.id""",
    "prompt_components": """SELECT c.id, c.name, c.content, p.name, p.template, c.created_at
                              FROM {schema}.prompt_components AS c LEFT JOIN projectalpha.prompts AS p ON p.id = c.base_prompt_id ORDER BY c.id""",
    "vocabulary": "SELECT * FROM {schema}.vocabulary ORDER BY id",
    "metadata": "SELECT * FROM {schema}.metadata ORDER BY key",
    "survey": "SELECT * FROM {schema}.tool_survey ORDER BY id",
    "notes": "SELECT * FROM {schema}.tool_notes ORDER BY id",
    "keys": """SELECT t.tool_name, k.key, k.record_id FROM {schema}.idempotency_keys AS k
                 JOIN projectalpha.tools AS t ON t.id = k.tool_id ORDER BY 1, 2""",
    "project": "SELECT name, status, settings::text FROM projectalpha.projects WHERE '{schema}' = 'project_' || id",
    "migrations": "SELECT version, checksum FROM projectalpha.applied_migrations WHERE '{schema}' = 'project_' || project_id ORDER BY 1",
    "tools": """SELECT t.tool_name, t.schema_definition, t.options, t.sensitive, t.description, x.disabled_at IS NULL
                  FROM projectalpha.project_tools AS x JOIN projectalpha.tools AS t ON t.id = x.tool_id
                 WHERE '{schema}' = 'project_' || x.project_id ORDER BY 1""",
}


def contents(connection, schema):
    return {what: rows(connection, query.format(schema=schema)) for what, query in TABLES.items()}


def register(connection, tool, schema, **options):
    named = "".join(f", {name} => {literal}" for name, literal in options.items())
    connection.execute(f"SELECT projectalpha.register_tool(%s, schema => %s{named})", (tool, json.dumps(schema) if schema else None))


def model(connection, name, version="1", structure=STRUCTURE):
    return value(connection, "SELECT projectalpha.create_object_model(%s, %s, %s, 'A model')", name, version, json.dumps(structure))


def prompt(connection, name, template="Write {{words}} words", object_model_id=None):
    return value(connection, "SELECT projectalpha.create_prompt(%s, %s, '{\"words\": {\"default\": 7}}', %s)", name, template, object_model_id)


def export(connection, project):
    return value(connection, "SELECT projectalpha.export_project(%s)", project)


def adopt(connection, schema, **arguments):
    named = "".join(f", {name} => %({name})s" for name in arguments)
    return connection.execute(f"SELECT projectalpha.adopt_project(%(schema)s{named})", {"schema": schema, **arguments}).fetchone()[0]


def copy(cluster, source, schema, target, *options):
    text = cluster.client("pg_dump", source.info.dbname, "-n", schema, *options)
    cluster.client("psql", target.info.dbname, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", input=text)
    return text


def fill(db, project):
    """A project with something in every table, and its token for the survey."""
    essay, poem = model(db, "essay"), model(db, "poem")
    based, spare = prompt(db, "intro", object_model_id=essay), prompt(db, "lost")
    for title, kind, words in (("one", essay, "12345678901234567890.5"), ("two", poem, "1e2"), ("three", essay, "3")):
        db.execute("SELECT projectalpha.store_content(%s, %s, %s, 'body', %s)", (project, kind, title, f'{{"words": {words}}}'))
    for base in (based, spare):
        db.execute("SELECT projectalpha.adapt_prompt(%s, %s, 'Write {{words}} kind words')", (project, base))
    db.execute("SELECT projectalpha.delete_prompt(%s)", (spare,))
    db.execute("SELECT projectalpha.set_vocabulary(%s, 'term', 'definition'), projectalpha.set_metadata(%s, 'key', '{\"a\": 1}')", (project, project))
    token = value(db, "SELECT projectalpha.enable_tool('survey', %s)", project)
    db.execute("SELECT projectalpha.store_record('survey', %s, '{\"rating\": 5, \"note\": \"a\"}', idempotency_key => 'first')", (token,))
    other = value(db, "SELECT projectalpha.enable_tool('notes', %s)", project)
    db.execute("SELECT projectalpha.store_record('notes', %s, '{\"any\": [1.10, null]}', idempotency_key => 'first')", (other,))
    db.execute("SELECT projectalpha.disable_tool('notes', %s)", (project,))
    return token


@pytest.fixture
def source(cluster):
    with cluster.new_store() as db:
        register(db, "survey", SURVEY, versioned="true", sensitive="true", description="'What they \"think\"'")
        register(db, "notes", None)
        client = value(db, "SELECT projectalpha.create_client('Example Ltd')")
        for tool in ("survey", "notes"):
            db.execute("SELECT projectalpha.allow_tool(%s, %s)", (tool, client))
        db.project = value(db, "SELECT projectalpha.create_project('Winter', %s, '{\"n\": 12345678901234567890.123}')", client)
        db.token = fill(db, db.project)
        db.schema = f"project_{db.project}"
        yield db


@pytest.fixture
def target(cluster):
    """Another database, in which every id is another one, and overlaps with those of the first."""
    with cluster.new_store() as db:
        db.execute("SELECT projectalpha.create_project('first')")
        for name in ("x", "y", "poem"):
            model(db, name)
        for name in ("p", "q"):
            prompt(db, name)
        register(db, "other", None)
        register(db, "notes", None)
        yield db


def migrate(connection, name="notes", sql="CREATE TABLE notes (id bigint PRIMARY KEY, note text)"):
    return value(connection, "SELECT projectalpha.add_project_migration(%s, %s)", name, sql)


def test_everything_arrives(cluster, source, target):
    for db in (source, target):
        migrate(db)
    source.execute("SELECT projectalpha.upgrade_project(%s)", (source.project,))
    # In the target it is the second project that has the first one's id: the schema is renamed on its way.
    manifest = export(source, source.project)
    assert manifest["name"] == "Winter" and manifest["client"] == "Example Ltd" and len(manifest["migrations"]) == 2
    assert source.token not in json.dumps(manifest)
    before = contents(source, source.schema)
    assert len(before["contents"]) == 3 and len(before["keys"]) == 2 and before["prompt_components"][1][3] is None
    source.execute(f"ALTER SCHEMA {source.schema} RENAME TO project_1007")
    text = copy(cluster, source, "project_1007", target)
    assert source.token not in text

    client = value(target, "SELECT projectalpha.create_client('Example Ltd')")
    assert adopt(target, "project_1007", client_id=client) == 1007
    source.execute(f"ALTER SCHEMA project_1007 RENAME TO {source.schema}")
    assert contents(target, "project_1007") == before
    # Their ids are others here.
    assert rows(target, "SELECT object_model_id FROM project_1007.contents ORDER BY id") != rows(source, f"SELECT object_model_id FROM {source.schema}.contents ORDER BY id")
    assert value(target, "SELECT count(*) FROM projectalpha.object_models WHERE name = 'poem'") == 1
    assert value(target, "SELECT structure::text FROM projectalpha.object_models WHERE name = 'essay'") == value(source, "SELECT structure::text FROM projectalpha.object_models WHERE name = 'essay'")
    assert value(target, "SELECT m.name FROM projectalpha.prompts AS p JOIN projectalpha.object_models AS m ON m.id = p.object_model_id WHERE p.name = 'intro'") == "essay"
    assert value(target, "SELECT client_id FROM projectalpha.projects WHERE id = 1007") == client
    assert value(target, "SELECT to_regclass('project_1007.project_manifest')") is None
    assert value(target, "SELECT projectalpha.create_project('next')") == 1008

    # Nothing opens it but what is issued here.
    assert value(target, "SELECT count(*) FROM projectalpha.credentials WHERE project_id = 1007 OR tool_id = (SELECT id FROM projectalpha.tools WHERE tool_name = 'survey')") == 0
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
        target.execute("SELECT projectalpha.store_record('survey', %s, '{}')", (source.token,))
    token = value(target, "SELECT projectalpha.rotate_token('survey', project_id => 1007)")
    assert value(target, "SELECT projectalpha.store_record('survey', %s, '{\"rating\": 5, \"note\": \"a\"}', idempotency_key => 'first')", token) == 1
    assert value(target, "SELECT projectalpha.store_record('survey', %s, '{\"rating\": 4, \"note\": \"b\"}')", token) == 2
    assert [r["note"] for (r,) in rows(target, "SELECT projectalpha.list_records('survey', token => %s)", token)] == ["a", "b"]
    target.execute("SELECT projectalpha.allow_tool('notes', %s)", (client,))
    whole = value(target, "SELECT projectalpha.enable_tool('notes', 1007)")
    assert [r["data"] for (r,) in rows(target, "SELECT projectalpha.list_records('notes', token => %s)", whole)] == [{"any": [1.10, None]}]
    token = value(target, "SELECT projectalpha.issue_project_token(1007, ARRAY['read', 'write'])")
    intro = value(target, "SELECT id FROM projectalpha.prompts WHERE name = 'intro'")
    assert value(target, "SELECT projectalpha.render_prompt(1007, %s, token => %s)", intro, token) == "Write 7 kind words"
    # A model in use cannot be deleted; migrations go on.
    with pytest.raises(psycopg.Error, match="(?i)in use"):
        target.execute("SELECT projectalpha.delete_object_model((SELECT id FROM projectalpha.object_models WHERE name = 'essay'))")
    version = migrate(target, "more", "ALTER TABLE notes ADD COLUMN more text")
    assert value(target, "SELECT projectalpha.upgrade_project(1007)") == version
    # And on to a third database.
    export(target, 1007)
    assert adopt_in_new(cluster, target, "project_1007", migrations=[("notes", "CREATE TABLE notes (id bigint PRIMARY KEY, note text)"), ("more", "ALTER TABLE notes ADD COLUMN more text")])


def adopt_in_new(cluster, source, schema, migrations=(), **arguments):
    with cluster.new_store() as third:
        for name, sql in migrations:
            migrate(third, name, sql)
        copy(cluster, source, schema, third)
        id = adopt(third, schema, **arguments)
        expected, found = contents(source, schema), contents(third, schema)
        assert found == expected | {"project": [(arguments.get("name", expected["project"][0][0]), *expected["project"][0][1:])]}
        return id


def test_under_another_name_without_a_client(cluster, source):
    source.execute("SELECT projectalpha.set_project_status(%s, 'suspended')", (source.project,))
    export(source, source.project)
    with cluster.new_store() as third:
        notices = []
        third.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        copy(cluster, source, source.schema, third)
        assert adopt(third, source.schema, name="  Autumn ") == source.project
        assert rows(third, "SELECT name, client_id, status FROM projectalpha.projects") == [("Autumn", None, "suspended")]
        assert len(notices) == 1 and "'Example Ltd'" in notices[0]
        assert value(third, "SELECT projectalpha.create_project('next')") == source.project + 1


def test_roles_do_not_come_along(cluster, source, target):
    with cluster.connect("postgres") as server:
        server.execute("CREATE ROLE regress_moved")
    source.execute("SELECT projectalpha.grant_project_access(%s, 'regress_moved', 'write')", (source.project,))
    source.execute(f"GRANT SELECT (title) ON {source.schema}.contents TO PUBLIC")
    export(source, source.project)
    target.execute("SELECT projectalpha.drop_project(1, 'first')")
    for options in ((), ("-x",)):
        copy(cluster, source, source.schema, target, *options)
        if not options:
            assert value(target, "SELECT has_table_privilege('regress_moved', %s, 'INSERT')", f"{source.schema}.contents")
        adopt(target, source.schema)
        assert not rows(target, "SELECT * FROM projectalpha.project_access")
        assert not value(target, "SELECT has_any_column_privilege('regress_moved', %s, 'SELECT, INSERT')", f"{source.schema}.contents")
        assert not value(target, "SELECT has_schema_privilege('regress_moved', %s, 'USAGE')", source.schema)
        for table in ("contents", "tool_survey"):
            assert value(target, "SELECT has_table_privilege('projectalpha_reader', %s, 'SELECT')", f"{source.schema}.{table}")
        assert value(target, "SELECT has_schema_privilege('projectalpha_reader', %s, 'USAGE')", source.schema)
        target.execute("SELECT projectalpha.grant_project_access(%s, 'regress_moved', 'read')", (source.project,))
        assert rows(target, "SELECT role_name, level FROM projectalpha.project_access") == [("regress_moved", "read")]
        target.execute("SELECT projectalpha.drop_project(%s, 'Winter')", (source.project,))


def refused(connection, schema, state, message, **arguments):
    """adopt_project fails like this, and leaves nothing."""
    counts = "SELECT (SELECT count(*) FROM projectalpha.projects), (SELECT count(*) FROM projectalpha.tools), (SELECT count(*) FROM projectalpha.object_models), (SELECT count(*) FROM projectalpha.prompts)"
    before = rows(connection, counts)
    with pytest.raises(psycopg.Error) as caught:
        adopt(connection, schema, **arguments)
    assert (caught.value.sqlstate, bool(re.search(message, caught.value.diag.message_primary))) == (state, True), caught.value
    assert caught.value.diag.message_hint
    assert rows(connection, counts) == before


def test_what_cannot_be_adopted(cluster, source, target):
    schema = source.schema
    refused(target, schema, "42710" if schema == "project_1" else "3F000", ".")
    refused(target, "projectalpha_data", "42602", "Not the name")
    refused(target, "project_07", "42602", "Not the name")
    refused(target, "project_99", "3F000", "does not exist")
    target.execute("SELECT projectalpha.drop_project(1, 'first')")
    copy(cluster, source, schema, target)
    refused(target, schema, "55000", "no manifest")
    target.execute(f"DROP SCHEMA {schema} CASCADE")
    export(source, source.project)
    copy(cluster, source, schema, target)
    refused(target, schema, "42704", "Client not found", client_id=77)
    refused(target, schema, "22023", "Invalid project name", name=" ")
    # Somebody else's.
    target.execute("CREATE ROLE regress_thief")
    for object in (f"TABLE {schema}.contents", f"SEQUENCE {schema}.stray", f"FUNCTION {schema}.stray()", f"TYPE {schema}.stray_type", f"SCHEMA {schema}"):
        target.execute(f"CREATE SEQUENCE {schema}.stray; CREATE FUNCTION {schema}.stray() RETURNS int LANGUAGE sql RETURN 1; CREATE TYPE {schema}.stray_type AS ENUM ()")
        for kind in ("SEQUENCE", "FUNCTION", "TYPE"):
            name = f"{schema}.stray" + {"FUNCTION": "()", "TYPE": "_type"}.get(kind, "")
            target.execute(f"ALTER {kind} {name} OWNER TO projectalpha_owner")
        target.execute(f"ALTER {object} OWNER TO regress_thief")
        refused(target, schema, "42501", "does not belong to projectalpha_owner")
        target.execute(f"ALTER {object} OWNER TO postgres")
        if not object.startswith("SCHEMA"):
            refused(target, schema, "42501", "does not belong to projectalpha_owner")
        target.execute(f"ALTER {object} OWNER TO projectalpha_owner")
        target.execute(f"DROP SEQUENCE {schema}.stray; DROP FUNCTION {schema}.stray(); DROP TYPE {schema}.stray_type")
    target.execute("DROP ROLE regress_thief")
    # The restore is still running.
    target.execute(f"ALTER TABLE {schema}.vocabulary DROP CONSTRAINT vocabulary_pkey")
    refused(target, schema, "55000", "'vocabulary' has no primary key")
    target.execute(f"ALTER TABLE {schema}.vocabulary ADD PRIMARY KEY (id)")
    # What would run as the owner whenever a row is written, and what no project has.
    for make, drop, what in (
        ("CREATE FUNCTION {0}.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; ALTER FUNCTION {0}.spy() OWNER TO projectalpha_owner; "
         "CREATE TRIGGER spy BEFORE INSERT ON {0}.tool_survey FOR EACH ROW EXECUTE FUNCTION {0}.spy()", "DROP FUNCTION {0}.spy CASCADE", 'trigger "spy" on "tool_survey"'),
        ("CREATE RULE spy AS ON INSERT TO {0}.contents DO ALSO NOTIFY spy", "DROP RULE spy ON {0}.contents", 'rule "spy" on "contents"'),
        ("ALTER TABLE {0}.vocabulary SET UNLOGGED", "ALTER TABLE {0}.vocabulary SET LOGGED", 'unlogged table "vocabulary"'),
    ):
        target.execute(make.format(schema))
        refused(target, schema, "55000", f"The schema has {what}")
        target.execute(drop.format(schema))
    # Another definition of the same name.
    model(target, "essay", structure={"type": "object", "required": ["words"]})
    refused(target, schema, "55000", "Object model 'essay' version '1' is defined otherwise")
    target.execute("SELECT projectalpha.delete_object_model((SELECT id FROM projectalpha.object_models WHERE name = 'essay'))")
    for options in ({"sensitive": "false", "versioned": "true"}, {"sensitive": "true"}, {"sensitive": "true", "versioned": "true", "strict": "true"}):
        register(target, "survey", SURVEY, **options)
        refused(target, schema, "55000", "Tool 'survey' is defined otherwise")
        target.execute("SELECT projectalpha.delete_tool('survey')")
    # A table of a tool that is not there.
    target.execute(f"ALTER TABLE {schema}.tool_survey RENAME TO away")
    refused(target, schema, "42P01", "tool_survey")
    target.execute(f"CREATE VIEW {schema}.tool_survey AS TABLE {schema}.away; ALTER VIEW {schema}.tool_survey OWNER TO projectalpha_owner")
    refused(target, schema, "42809", "'tool_survey' .* is not a table")
    target.execute(f"DROP VIEW {schema}.tool_survey; ALTER TABLE {schema}.away RENAME TO tool_survey")
    # What the manifest does not know, or another release knows.
    target.execute(f"UPDATE {schema}.contents SET object_model_id = 12 WHERE id = 2")
    refused(target, schema, "55000", "'contents' has been changed since")
    target.execute(f"UPDATE {schema}.contents SET object_model_id = 2 WHERE id = 2")
    target.execute(f"UPDATE {schema}.prompt_components SET base_prompt_id = 12 WHERE id = 2")
    refused(target, schema, "55000", "'prompt_components' has been changed since")
    target.execute(f"UPDATE {schema}.prompt_components SET base_prompt_id = NULL WHERE id = 2")
    kept = value(target, f"SELECT manifest::text FROM {schema}.project_manifest")
    for edit, state, message in (
        ("'[]'", "22023", "is not one"),
        ("manifest - 'tools'", "22023", "is not one"),
        ("manifest || '{\"name\": \" \"}'", "22023", "Invalid project name"),
        ("manifest || '{\"settings\": []}'", "22023", "is not one"),
        ("jsonb_set(manifest, '{tools}', (manifest->'tools') || (manifest->'tools'))", "22023", "is not one"),
        ("jsonb_set(manifest, '{migrations}', (manifest->'migrations') || (manifest->'migrations'))", "22023", "is not one"),
        ("jsonb_set(manifest, '{prompts}', (manifest->'prompts') || (manifest->'prompts'))", "22023", "is not one"),
        ("jsonb_set(manifest, '{object_models}', (manifest->'object_models') || (manifest->'object_models'))", "22023", "is not one"),
        ("manifest || '{\"projectalpha_project\": 2}'", "0A000", "Version 2"),
        ("manifest || '{\"status\": \"gone\"}'", "22023", "status"),
        ("jsonb_set(manifest, '{tools, 0, name}', '\"x; drop\"')", "42602", "Invalid tool name"),
        ("jsonb_set(manifest, '{tools, 1, options}', '{\"later\": true}')", "22023", "is not one"),
        ("jsonb_set(manifest, '{migrations, 0, checksum}', '\"00\"')", "55000", r"Migration 1 \('tables of spec 003'\) is another one"),
        ("jsonb_set(manifest, '{migrations, 0, version}', '9')", "55000", "Migration 9 .* is not in this database"),
    ):
        target.execute(f"UPDATE {schema}.project_manifest SET manifest = {edit}")
        refused(target, schema, state, message)
        target.execute(f"UPDATE {schema}.project_manifest SET manifest = %s", (kept,))
    # Nobody who is no administrator, and no snapshot that may miss rows.
    target.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        adopt(target, schema)
    target.execute("ROLLBACK")
    target.execute("GRANT USAGE ON SCHEMA projectalpha TO PUBLIC; GRANT EXECUTE ON FUNCTION projectalpha.adopt_project, projectalpha.export_project TO PUBLIC")
    target.execute("SET ROLE projectalpha_anon")
    for call in (f"adopt_project('{schema}')", "export_project(1)"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            target.execute(f"SELECT projectalpha.{call}")
    target.execute("RESET ROLE")
    # And then it can.
    adopt(target, schema)
    export(target, source.project)
    refused(target, schema, "42710", "There is a project")


def test_a_manifest_is_emptied_when_the_tables_change(source):
    manifest = f"SELECT count(*) FROM {source.schema}.project_manifest"
    changes = [
        "SELECT projectalpha.disable_tool('survey', {0})",
        "SELECT projectalpha.enable_tool('survey', {0})",
        "SELECT projectalpha.disable_tool('survey', {0}, keep_data => false)",
        "SELECT projectalpha.upgrade_project({0})",
    ]
    migrate(source)
    for change in changes:
        export(source, source.project)
        assert value(source, manifest) == 1
        source.execute(change.format(source.project))
        assert value(source, manifest) == 0


def test_a_tool_of_an_older_version_arrives_as_that(cluster, source, target):
    """The table follows version 1; the target has registered the tool and has altered it, too."""
    change = '{"add": {"name": "more", "type": "int"}}'
    source.execute("SELECT projectalpha.alter_tool('survey', %s)", (change,))
    export(source, source.project)
    register(target, "survey", SURVEY, versioned="true", sensitive="true")
    target.execute("SELECT projectalpha.drop_project(1, 'first'), projectalpha.alter_tool('survey', %s)", (change,))
    copy(cluster, source, source.schema, target)
    adopt(target, source.schema)
    assert rows(target, "SELECT tool_name, schema_version, latest_version FROM projectalpha.project_tool_list ORDER BY 1") == [("notes", 1, 1), ("survey", 1, 2)]
    token = value(target, "SELECT projectalpha.rotate_token('survey', project_id => %s)", source.project)
    assert len(rows(target, "SELECT projectalpha.list_records('survey', token => %s)", token)) == 1
    target.execute("SELECT projectalpha.upgrade_project(%s)", (source.project,))
    assert value(target, "SELECT projectalpha.store_record('survey', %s, '{\"more\": 3}')", token) == 2


def test_contents_of_models_that_never_were_are_not_exported(source):
    source.execute(f"UPDATE {source.schema}.contents SET object_model_id = 4711")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="do not exist: 4711"):
        export(source, source.project)


def test_a_dump_of_the_database_has_access_and_manifests(cluster, source):
    """The whole database, restored in the same cluster: what was granted holds, for what comes later, too."""
    with cluster.connect("postgres") as server:
        server.execute("CREATE ROLE regress_kept")
    source.execute("SELECT projectalpha.grant_project_access(%s, 'regress_kept', 'write')", (source.project,))
    export(source, source.project)
    access = "SELECT project_id, role_name, level, granted_level, granted_at, granted_by FROM projectalpha.project_access"
    database = cluster.new_database()
    text = cluster.client("pg_dump", source.info.dbname)
    cluster.client("psql", database, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", input=text)
    with cluster.connect(database) as restored:
        assert rows(restored, access) == rows(source, access)
        assert contents(restored, source.schema) == contents(source, source.schema)
        migrate(restored)
        restored.execute("SELECT projectalpha.upgrade_project(%s)", (source.project,))
        assert value(restored, "SELECT level FROM projectalpha.project_access") == "write"
        refused(restored, source.schema, "42710", "There is a project")
