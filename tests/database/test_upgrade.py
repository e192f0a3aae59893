"""Databases of earlier versions with data in them, served by the new library before and after ALTER EXTENSION ... UPDATE."""

import json

import psycopg
import pytest

from cluster import rows, value
from test_dump import CONTENTS

FIELDS = json.dumps([{"name": "n", "type": "int"}, {"name": "s", "type": "str"}])
# All that a fresh installation and an updated one must have in common.
SNAPSHOT = {what: CONTENTS[what] for what in (
    "functions", "schemas", "columns", "constraints", "indexes", "triggers", "members")} | {
    "relations": CONTENTS["relations"],
    "views": """SELECT c.oid::regclass::text, pg_get_viewdef(c.oid) FROM pg_class AS c
                 WHERE c.relkind = 'v' AND c.relnamespace::regnamespace::text ~ '^projectalpha' ORDER BY 1""",
    "bodies": """SELECT p.oid::regprocedure::text, p.prosrc, p.probin, p.provolatile::text, p.proparallel::text, p.proisstrict
                      , p.prosecdef, p.proconfig, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)
                   FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text ~ '^projectalpha' ORDER BY 1""",
    "types": """SELECT t.oid::regtype::text, t.typowner::regrole::text, t.typacl::text, obj_description(t.oid, 'pg_type')
                  FROM pg_type AS t WHERE t.typnamespace::regnamespace::text ~ '^projectalpha' AND t.typtype = 'd' ORDER BY 1""",
    "dumped": """SELECT c.oid::regclass::text, condition FROM pg_extension AS e
                  CROSS JOIN unnest(e.extconfig, e.extcondition) AS u (oid, condition) JOIN pg_class AS c ON c.oid = u.oid
                  WHERE e.extname = 'projectalpha_store' ORDER BY 1""",
    "column comments": """SELECT attrelid::regclass::text, attname, col_description(attrelid, attnum) FROM pg_attribute
                           WHERE attrelid::regclass::text ~ '^projectalpha' AND col_description(attrelid, attnum) IS NOT NULL ORDER BY 1, 2""",
}


def use(db, round_):
    """What every version can do; gives what is there afterwards."""
    name = f"tool{round_}"
    db.execute("SELECT projectalpha.register_tool(%s, %s, %s, false, 'described')", [name, f"token-of-{name}", FIELDS])
    for tool in (f"tool{r}" for r in range(1, round_ + 1)):
        db.execute("SELECT projectalpha.store_record(%s, %s, %s)", [tool, f"token-of-{tool}", json.dumps({"n": round_, "s": "x"})])
        db.execute("SELECT projectalpha.store_records(%s, %s, %s)", [tool, f"token-of-{tool}", json.dumps([{"n": round_}, {}])])
    db.execute("SELECT projectalpha.store_common('small', '{\"a\": 1}', true, 'common-token-001')")
    with pytest.raises(psycopg.Error, match="Invalid token for this tool"):
        db.execute("SELECT projectalpha.store_record(%s, 'wrong-token', '{}')", [name])
    listed = {tool: [(r["n"], r["s"]) for (r,) in rows(db, "SELECT * FROM projectalpha.list_records(%s, 100)", tool)]
              for (tool,) in rows(db, "SELECT tool_name FROM projectalpha.registered_tools")}
    common = value(db, "SELECT count(*) FROM projectalpha.list_common('small', 100, 0, 'common-token-001')")
    return listed, common


@pytest.fixture(scope="module", params=["0.1.0", "0.2.0"])
def old(cluster, request):
    """A database with an earlier version and something in it."""
    with cluster.connect(cluster.new_database()) as db:
        db.execute(f"CREATE EXTENSION projectalpha_store VERSION '{request.param}'")
        db.execute("SELECT projectalpha.add_common_token('common-token-001')")
        yield db


def test_the_new_library_serves_the_old_version_and_then_the_new_one(old, cluster):
    stored = [(1, "x"), (1, None), (None, None)]
    assert use(old, 1) == ({"tool1": stored}, 1)
    before = use(old, 2)
    assert [len(records) for records in before[0].values()] == [6, 3]

    # Warm here, updated by somebody else.
    with cluster.another(old) as other:
        other.execute("ALTER EXTENSION projectalpha_store UPDATE")
    listed, common = use(old, 3)
    assert common == 3
    for tool, records in before[0].items():
        assert listed[tool][:len(records)] == records and len(listed[tool]) == len(records) + 3
    # Tools and tokens of before have what is new.
    assert value(old, "SELECT projectalpha.update_record('tool1', 'token-of-tool1', 1, '{\"n\": 9}')")["n"] == 9
    assert value(old, "SELECT projectalpha.store_record('tool1', 'token-of-tool1', '{}', 'a-key')") is not None
    assert rows(old, "SELECT DISTINCT options FROM projectalpha.registered_tools") == [({},)]


def test_an_updated_installation_is_a_fresh_one(old, cluster):
    assert value(old, "SELECT extversion = (SELECT default_version FROM pg_available_extensions WHERE name = extname)"
                      " FROM pg_extension WHERE extname = 'projectalpha_store'")
    with cluster.new_store() as fresh:
        # The data is made by use: the same on both sides.
        fresh.execute("SELECT projectalpha.add_common_token('common-token-001')")
        for round_ in (1, 2, 3):
            use(fresh, round_)
        fresh.execute("SELECT projectalpha.store_record('tool1', 'token-of-tool1', '{}', 'a-key')")
        for what, query in SNAPSHOT.items():
            assert rows(old, query) == rows(fresh, query), what


def test_a_database_of_0_2_0_lives_on(cluster):
    """All kinds of calls of 0.2.0, with the new library: before the update, and on the same tools after it."""
    def call(db, round_):
        tool, token = f"life{round_}", f"token-of-life{round_}"
        schema = '[{"name": "n", "type": "int", "unique": true}, {"name": "s", "type": "str"}]'
        db.execute("SELECT projectalpha.register_tool(%s, %s, %s, versioned => true, strict => true, notify => true)", [tool, token, schema])
        store = "SELECT projectalpha.store_record(%s, %s, %s, %s)"
        first = value(db, store, tool, token, '{"n": 1}', "key")
        assert value(db, store, tool, token, '{"n": 1}', "key") == first
        assert value(db, "SELECT projectalpha.alter_tool(%s, %s)", tool, '{"add": {"name": "x", "type": "int", "default": 7}}') == 2
        assert value(db, "SELECT projectalpha.update_record(%s, %s, %s, %s, 1)", tool, token, first, '{"s": "y"}')["version"] == 2
        assert rows(db, "SELECT * FROM projectalpha.upsert_record(%s, %s, %s, 'n')", tool, token, '{"n": 1, "s": "z"}') == [(first, False)]
        assert value(db, "SELECT projectalpha.count_records(%s, %s)", tool, '{"s": "z", "x": 7}') == 1
        assert value(db, "SELECT projectalpha.get_record(%s, %s)", tool, first)["s"] == "z"
        new = value(db, "SELECT projectalpha.rotate_token(%s, current_token => %s)", tool, token)
        with pytest.raises(psycopg.Error, match="Invalid token for this tool"):
            db.execute(store, [tool, token, "{}", None])
        db.execute("SELECT projectalpha.delete_tool(%s, archive => true)", [tool])
        db.execute("SELECT projectalpha.restore_tool(%s)", [tool])
        db.execute("SELECT projectalpha.configure_tool(%s, sensitive => true, token => %s)", [f"small{round_}", f"token-of-small{round_}"])
        db.execute("SELECT projectalpha.store_configured(%s, '{\"a\": 1}', %s)", [f"small{round_}", f"token-of-small{round_}"])
        db.execute("SELECT projectalpha.promote_tool(%s)", [f"small{round_}"])
        assert value(db, "SELECT count(*) FROM projectalpha.list_configured(%s, token => %s)", f"small{round_}", f"token-of-small{round_}") == 1
        return tool, new, first

    with cluster.connect(cluster.new_database()) as db:
        db.execute("CREATE EXTENSION projectalpha_store VERSION '0.2.0'")
        tool, token, record = call(db, 1)
        db.execute("ALTER EXTENSION projectalpha_store UPDATE")
        call(db, 2)
        # A tool of before is one that projects can have, with the definition that it has now.
        assert value(db, "SELECT projectalpha.alter_tool(%s, %s)", tool, '{"rename": {"field": "x", "to": "y"}}') > 2
        project = value(db, "SELECT projectalpha.create_project('first')")
        tenant = value(db, "SELECT projectalpha.enable_tool(%s, %s)", tool, project)
        db.execute("SELECT projectalpha.store_record(%s, %s, %s)", [tool, tenant, '{"n": 1, "y": 3}'])
        assert [r["y"] for (r,) in rows(db, "SELECT * FROM projectalpha.list_records(%s, token => %s)", tool, tenant)] == [3]
        assert value(db, "SELECT projectalpha.get_record(%s, %s)", tool, record)["y"] == 7
        assert (tool,) in rows(db, "SELECT tool_name FROM projectalpha.search_tools('life')")
        with pytest.raises(psycopg.Error, match="is not strict|Unknown field"):
            db.execute("SELECT projectalpha.store_record(%s, %s, %s)", [tool, tenant, '{"n": 2, "unknown": 3}'])


def test_what_the_changelog_says_of_grants_and_views(cluster):
    def may_call(db, signature):
        return value(db, "SELECT has_function_privilege('pg_monitor', %s::regprocedure, 'EXECUTE')", signature)

    with cluster.connect(cluster.new_database()) as db:
        db.execute("CREATE EXTENSION projectalpha_store VERSION '0.1.0'")
        db.execute("GRANT EXECUTE ON FUNCTION projectalpha.store_record, projectalpha.store_common TO pg_monitor")
        db.execute("CREATE VIEW mine AS SELECT projectalpha.list_records('tool1') AS r")
        with pytest.raises(psycopg.Error) as refused:
            db.execute("ALTER EXTENSION projectalpha_store UPDATE")
        assert refused.value.sqlstate == "2BP01"
        assert may_call(db, "projectalpha.store_record(text, text, jsonb)")

        db.execute("DROP VIEW mine")
        db.execute("CREATE FUNCTION called() RETURNS bigint LANGUAGE sql AS $$ SELECT projectalpha.store_record('tool1', 'token-of-tool1', '{}') $$")
        db.execute("SELECT projectalpha.register_tool('tool1', 'token-of-tool1')")
        db.execute("ALTER EXTENSION projectalpha_store UPDATE")
        assert not may_call(db, "projectalpha.store_record(text, text, jsonb, text)")
        assert may_call(db, "projectalpha.store_common(text, jsonb, boolean, text)")
        assert value(db, "SELECT called()") == 1
