"""pg_dump of a database in use, restored into a new one: everything works there, and no token is in the dump."""

import json
import re

import psycopg
import pytest

from cluster import Cluster, program, rows, run, value
from test_registry import key_file, use_key

SCHEMA = [
    {"name": "n", "type": "int"},
    {"name": "s", "type": "str"},
    {"name": "b", "type": "bool"},
    {"name": "f", "type": "float"},
    {"name": "j", "type": "json"},
    {"name": "at", "type": "timestamp"},
]
PAYLOAD = {"n": 9223372036854775807, "s": "tab\there \\N é", "b": True, "f": 0.1, "j": {"a": [1, None]}, "at": "2026-02-05T10:30:00.5Z"}
TOKENS = ["survey-token-001", "secret-token-001", "whole-token-001", "gone-token-001", "admin-token-001", "common-token-001", "revoked-token-001", "old-token-001", "old-token-002"]
# Made by the database, for an agent.
ISSUED = {}

# All that must be the same on the other side.
CONTENTS = {
    "tools": "SELECT * FROM projectalpha.tools ORDER BY id",
    "credentials": "SELECT * FROM projectalpha.credentials ORDER BY id",
    "agents": "SELECT * FROM projectalpha.agents ORDER BY id",
    "survey": "SELECT * FROM projectalpha_data.tool_survey ORDER BY id",
    "secret": "SELECT * FROM projectalpha_data.tool_secret ORDER BY id",
    "whole": "SELECT * FROM projectalpha_data.tool_whole ORDER BY id",
    "common": "SELECT * FROM projectalpha_data.multiple_tools ORDER BY id",
    "archived": "SELECT * FROM projectalpha.archived_tools ORDER BY id",
    "archived credentials": "SELECT * FROM projectalpha.archived_credentials ORDER BY archived_id, id",
    "archived list": "SELECT * FROM projectalpha.archived_tool_list ORDER BY archived_id",
    "facts": "SELECT * FROM projectalpha.tool_info ORDER BY tool_id",
    "secrets": "SELECT * FROM projectalpha.tool_secrets ORDER BY tool_id, name",
    "registry": "SELECT * FROM projectalpha.tool_registry ORDER BY tool_id",
    "policies": "SELECT * FROM projectalpha.policies ORDER BY id",
    "policy list": "SELECT * FROM projectalpha.policy_list",
    # Not in the dump: made again, whichever table is loaded first.
    "search": "SELECT s.* FROM projectalpha.tool_search AS s JOIN projectalpha.tools AS t ON t.id = s.tool_id ORDER BY s.tool_id",
    "history": "SELECT * FROM projectalpha.schema_history ORDER BY tool_id, version",
    "sequences": "SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE schemaname ~ '^projectalpha' ORDER BY 1, 2",
    "relations": """SELECT c.oid::regclass::text, c.relkind::text, c.relowner::regrole::text, obj_description(c.oid, 'pg_class')
                           , ARRAY(SELECT a::text FROM unnest(c.relacl) AS a ORDER BY 1)
                      FROM pg_class AS c WHERE c.relnamespace::regnamespace::text ~ '^projectalpha' ORDER BY 1""",
    "functions": """SELECT p.oid::regprocedure::text, p.proowner::regrole::text, obj_description(p.oid, 'pg_proc'), p.proacl::text
                      FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text ~ '^projectalpha' ORDER BY 1""",
    "schemas": """SELECT n.nspname, n.nspowner::regrole::text, n.nspacl::text, obj_description(n.oid, 'pg_namespace')
                    FROM pg_namespace AS n WHERE n.nspname ~ '^projectalpha' ORDER BY 1""",
    "columns": """SELECT table_name, column_name, data_type, column_default, is_nullable, is_identity
                    FROM information_schema.columns WHERE table_schema ~ '^projectalpha' ORDER BY table_name, ordinal_position""",
    "constraints": """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
                       WHERE connamespace::regnamespace::text ~ '^projectalpha' ORDER BY 1, 2""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname ~ '^projectalpha' ORDER BY 1",
    "triggers": """SELECT tgrelid::regclass::text, tgname, tgenabled::text FROM pg_trigger
                    WHERE NOT tgisinternal AND tgrelid::regclass::text ~ '^projectalpha' ORDER BY 1, 2""",
    "members": """SELECT pg_describe_object(classid, objid, 0) FROM pg_depend
                   WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'projectalpha_store') ORDER BY 1""",
}


def contents(connection):
    return {what: rows(connection, query) for what, query in CONTENTS.items()}


def register(connection, name, schema=SCHEMA, **more):
    arguments = {"tool_name": name, "token": f"{name}-token-001", "schema": json.dumps(schema) if schema else None, **more}
    named = ", ".join(f"{key} => %({key})s" for key in arguments)
    return connection.execute(f"SELECT token FROM projectalpha.register_tool({named})", arguments).fetchone()[0]


def store_record(connection, tool, payload, token=None):
    return value(connection, "SELECT projectalpha.store_record(%s, %s, %s)", tool, token or f"{tool}-token-001", json.dumps(payload))


def set_facts(connection, tool, **facts):
    connection.execute("SELECT projectalpha.update_tool_info(%s, %s)", [tool, json.dumps(facts)])


@pytest.fixture(scope="module")
def source(cluster):
    """A database with tools, tokens, rows, gaps in the sequences and what a DBA has added by hand."""
    with cluster.new_store() as db:
        db.execute("SELECT projectalpha.set_admin_token('admin-token-001'), projectalpha.add_common_token('common-token-001', 'reports')")
        db.execute("SELECT projectalpha.add_common_token('revoked-token-001')")
        db.execute("SELECT projectalpha.revoke_token('revoked-token-001')")
        register(db, "gone")
        register(db, "survey", description="It's \"quoted\" \\ and more")
        register(db, "secret", sensitive=True)
        register(db, "whole", schema=None)
        register(db, "made", schema=[], token=None)
        db.execute("SELECT projectalpha.delete_tool('gone')")
        for tool in ("survey", "secret", "whole"):
            for payload in (PAYLOAD, {}, {"n": None, "s": ""}):
                store_record(db, tool, payload)
        db.execute("DELETE FROM projectalpha_data.tool_survey WHERE id = 3")
        for sensitive in (False, True):
            db.execute("SELECT projectalpha.store_common('reports', '{\"a\": 1}', %s)", [sensitive])
        db.execute("ALTER TABLE projectalpha_data.tool_survey ADD COLUMN reviewed boolean NOT NULL DEFAULT false")
        db.execute("ALTER TABLE projectalpha_data.tool_survey ADD CONSTRAINT known CHECK (n <> 13)")
        register(db, "old")
        store_record(db, "old", PAYLOAD)
        changes = [{"add": {"name": "x", "type": "int", "default": 7, "required": True, "index": True}}, {"drop": "f"}, {"options": {"versioned": True}}]
        db.execute("SELECT projectalpha.alter_tool('old', %s)", [json.dumps(changes)])
        db.execute("SELECT projectalpha.rotate_token('old', '1 year', 'old-token-002')")
        use_key(db, key_file(cluster, "dumped_key"))
        set_facts(db, "survey", tags=["forms", "people"], category="feedback", examples=[{"input": {"n": 1}}])
        set_facts(db, "old", tags=["kept"], auth_config={"header": "X-Key", "secret": {"api_key": "secret-of-old"}})
        ((agent, ISSUED["key"]),) = rows(db, "SELECT * FROM projectalpha.create_agent('Ann', 'who \"reads\"', '{analyst}', '{a,b}')")
        for tool, scope in (("secret", "read"), ("old", "write")):
            db.execute("SELECT projectalpha.create_policy(%s, 'all', 'allow', '{*}')", [tool])
            ISSUED[tool] = value(db, "SELECT projectalpha.issue_credential(%s, %s, %s, '9 years')", agent, tool, [scope])
        db.execute("SELECT projectalpha.delete_agent(agent_id) FROM projectalpha.create_agent('Gone')")
        for tool in ("survey", "old"):
            db.execute("""SELECT projectalpha.create_policy(%s, 'small', 'allow', '{write,read}', '{"fields": {"n": {"lt": 9}}, "roles": ["a"]}',
                              '{read}', 7, 'Small ones')""", [tool])
        db.execute("SELECT projectalpha.create_policy('survey', 'none', 'deny', '{*}', '{\"roles\": [\"gone\"]}')")
        db.execute("SELECT projectalpha.register_tool('entry', storage => 'none', description => 'No table')")
        db.execute("SELECT projectalpha.deactivate_tool('entry')")
        db.execute("SELECT projectalpha.delete_tool('old', archive => true)")
        db.execute("CREATE INDEX survey_s ON projectalpha_data.tool_survey (lower(s))")
        yield db


def dump(cluster, database, *options):
    return cluster.client("pg_dump", database, *options)


@pytest.fixture(scope="module")
def plain(cluster, source):
    return dump(cluster, source.info.dbname)


def restore_plain(target, database, text):
    target.client("psql", database, "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", input=text)


def restore_custom(cluster, source, database, folder, *options, backwards=False):
    archive = str(folder / "archive")
    dump(cluster, source.info.dbname, "-Fc", "-f", archive)
    if backwards:
        entries = run(program("pg_restore"), "-l", archive).splitlines()
        data = [entry for entry in entries if " TABLE DATA " in entry]
        order = iter(reversed(data))
        (folder / "list").write_text("\n".join(next(order) if entry in data else entry for entry in entries))
        options = (*options, "-L", str(folder / "list"))
    cluster.client("pg_restore", database, "--exit-on-error", *options, archive)


@pytest.fixture(scope="module")
def strange_cluster():
    """Another server, which has never heard of our roles."""
    with Cluster() as running:
        yield running


WAYS = [
    "plain",
    "custom",
    "custom in parallel",
    "custom, tables in another order",  # any order is one that a parallel restore may take
    "plain, into another server",
    "plain, over an older state",
]


@pytest.fixture(params=WAYS)
def restored(request, cluster, strange_cluster, source, plain, tmp_path):
    """A connection to a database that was restored from the source."""
    target = strange_cluster if "server" in request.param else cluster
    database = target.new_database()
    if request.param.startswith("custom"):
        jobs = ["--jobs=2"] if "parallel" in request.param else []
        restore_custom(cluster, source, database, tmp_path, *jobs, backwards="order" in request.param)
    elif "over" in request.param:
        restore_plain(target, database, plain)
        with target.connect(database) as changed:
            store_record(changed, "survey", {})
            changed.execute("SELECT projectalpha.delete_tool('whole')")
        restore_plain(target, database, dump(cluster, source.info.dbname, "--clean", "--if-exists"))
    else:
        restore_plain(target, database, plain)
    with target.connect(database) as connection:
        yield connection


def test_all_of_it_is_there_and_all_of_it_works(source, restored):
    before = contents(source)
    assert contents(restored) == before
    # Ids go on where they were, also after a row at the end was deleted.
    assert store_record(restored, "survey", PAYLOAD) == 4
    assert store_record(restored, "secret", PAYLOAD) == 4
    assert store_record(restored, "whole", PAYLOAD) == 4
    assert value(restored, "SELECT projectalpha.store_common('reports', '{}')") == 3
    new = register(restored, "fresh", token=None)
    assert store_record(restored, "fresh", PAYLOAD, new) == 1
    assert value(restored, "SELECT max(id) FROM projectalpha.tools") == value(restored, "SELECT last_value FROM projectalpha.tools_id_seq")
    assert value(restored, "SELECT min(id) FROM projectalpha.tools WHERE tool_name = 'fresh'") > max(row[0] for row in before["tools"])
    assert value(restored, "SELECT max(id) FROM projectalpha.credentials") > max(row[0] for row in before["credentials"])
    # What the DBA added holds.
    with pytest.raises(psycopg.errors.CheckViolation):
        store_record(restored, "survey", {"n": 13})
    assert value(restored, "SELECT bool_or(reviewed) FROM projectalpha_data.tool_survey") is False
    restored.execute("SELECT projectalpha.delete_tool('survey')")
    assert value(restored, "SELECT to_regclass('projectalpha_data.tool_survey')") is None


def test_an_archived_tool_comes_back_in_the_restored_database(cluster, restored):
    restored.execute("SELECT projectalpha.restore_tool('old', new_name => 'old_again')")
    assert rows(restored, "SELECT tool_name FROM projectalpha.search_tools('kept old')") == [("old_again",)]
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        restored.execute("SELECT projectalpha.reveal_tool_secret('old_again', 'api_key')")
    use_key(restored, str(cluster.data.parent / "dumped_key"))
    assert value(restored, "SELECT projectalpha.reveal_tool_secret('old_again', 'api_key')") == "secret-of-old"
    for token, id in (("old-token-001", 2), ("old-token-002", 3), (ISSUED["old"], 4)):
        assert store_record(restored, "old_again", PAYLOAD, token) == id
    assert rows(restored, "SELECT n, x, version FROM projectalpha_data.tool_old_again") == [(PAYLOAD["n"], 7, 1)] * 4
    names = rows(restored, "SELECT relname FROM pg_class WHERE relname ~ 'old' AND relkind IN ('i', 'S', 'r') AND relnamespace = 'projectalpha_data'::regnamespace ORDER BY 1")
    assert [name for name in names if not name[0].startswith("ix_of_tool_old_again_")] == [("id_of_tool_old_again",), ("pk_of_tool_old_again",), ("tool_old_again",)]
    versions = "SELECT version FROM projectalpha.schema_history JOIN projectalpha.tools AS t ON t.id = tool_id WHERE t.tool_name = 'old_again' ORDER BY 1"
    assert rows(restored, versions) == [(1,), (2,), (3,)]


def test_tokens_open_what_they_opened(restored):
    restored.execute("SET ROLE projectalpha_anon")
    listed = rows(restored, "SELECT r->'s' FROM projectalpha.list_records('secret', token => 'secret-token-001') AS r")
    assert listed[0] == (PAYLOAD["s"],)
    assert len(rows(restored, "SELECT projectalpha.list_records('secret', token => %s)", ISSUED["secret"])) == len(listed)
    assert rows(restored, "SELECT agent_name, tool_name FROM projectalpha.list_credentials(api_key => %s)", ISSUED["key"]) == [("Ann", None), ("Ann", "secret")]
    assert len(rows(restored, "SELECT projectalpha.list_common('reports', token => 'common-token-001')")) == 2
    assert len(rows(restored, "SELECT projectalpha.list_common('reports')")) == 1
    assert register(restored, "by_token", admin_token="admin-token-001")
    restored.execute("SELECT projectalpha.delete_tool('by_token', 'admin-token-001')")
    for refused in (
        "SELECT projectalpha.list_records('secret')",
        "SELECT projectalpha.list_records('secret', token => 'survey-token-001')",
        "SELECT projectalpha.list_common('reports', token => 'revoked-token-001')",
        "SELECT projectalpha.delete_tool('survey', 'common-token-001')",
        "SELECT projectalpha.store_record('survey', 'gone-token-001', '{}')",
    ):
        with pytest.raises((psycopg.errors.InvalidAuthorizationSpecification, psycopg.errors.InsufficientPrivilege)):
            restored.execute(refused)


def test_readers_read_and_nobody_else(restored):
    restored.execute("SET ROLE projectalpha_reader")
    assert value(restored, "SELECT count(*) FROM projectalpha_data.tool_survey") == 2
    assert value(restored, "SELECT count(*) FROM projectalpha.registered_tools") == 5
    restored.execute("RESET ROLE")
    for role in ("projectalpha_anon", "projectalpha_admin"):
        restored.execute(f"SET ROLE {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            restored.execute("SELECT * FROM projectalpha_data.tool_survey")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            restored.execute("SELECT * FROM projectalpha.credentials")
        restored.execute("RESET ROLE")


def test_the_first_tool_of_a_restored_database(cluster, store):
    """Nothing was stored: the data schema is made after the restore, by a role that may."""
    database = cluster.new_database()
    restore_plain(cluster, database, dump(cluster, store.info.dbname))
    with cluster.connect(database) as restored:
        register(restored, "first")
        assert store_record(restored, "first", PAYLOAD) == 1


def test_no_token_is_in_a_dump(cluster, source, plain):
    made = register(source, "shown_once", token=None)
    text = plain + dump(cluster, source.info.dbname, "--inserts")
    source.execute("SELECT projectalpha.delete_tool('shown_once')")
    assert not [token for token in (*TOKENS, *ISSUED.values(), made, "secret-of-old") if token in text]
    assert "survey" in text and PAYLOAD["j"]["a"] == [1, None]


def test_the_dump_leaves_the_extensions_own_objects_to_the_extension(plain):
    assert "CREATE EXTENSION IF NOT EXISTS projectalpha_store WITH SCHEMA pg_catalog" in plain
    assert not re.search(r"CREATE (TABLE|VIEW|FUNCTION|SEQUENCE|SCHEMA) projectalpha(_http)?[.;]", plain)
    assert "CREATE TABLE projectalpha_data.tool_survey" in plain
    assert "COPY projectalpha.tools" in plain and "COPY projectalpha.credentials" in plain


def test_what_a_dba_granted_comes_along(cluster, store):
    with cluster.connect("postgres") as server:
        server.execute("CREATE ROLE regress_service")
    store.execute("GRANT USAGE ON SCHEMA projectalpha TO regress_service")
    store.execute("GRANT EXECUTE ON FUNCTION projectalpha.store_record TO regress_service")
    register(store, "survey")
    store.execute("GRANT SELECT (n) ON projectalpha_data.tool_survey TO regress_service")
    database = cluster.new_database()
    restore_plain(cluster, database, dump(cluster, store.info.dbname))
    with cluster.connect(database) as restored:
        restored.execute("SET ROLE regress_service")
        assert store_record(restored, "survey", PAYLOAD) == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            restored.execute("SELECT projectalpha.list_records('survey')")


def test_the_data_alone_can_be_dumped(cluster, source):
    """pg_dump -n of the data schema: what a DBA copies for analysts, without extension or tokens."""
    database = cluster.new_database()
    restore_plain(cluster, database, dump(cluster, source.info.dbname, "-n", "projectalpha_data"))
    with cluster.connect(database) as copy:
        assert rows(copy, CONTENTS["survey"]) == rows(source, CONTENTS["survey"])
        assert value(copy, "SELECT count(*) FROM pg_extension WHERE extname = 'projectalpha_store'") == 0
