"""The registry in a whole database: no secret in clear on disk, searches that use their index, a rotation that is killed."""

import os
import secrets
import shutil
import threading
from pathlib import Path

import psycopg
import pytest

from cluster import AS_SERVER, Cluster, rows, value

TOOLS = 10_000


def key_file(cluster, name):
    """A file with a new key, which the server's user alone can read."""
    path = cluster.data.parent / name
    path.write_bytes(secrets.token_bytes(32))
    path.chmod(0o600)
    if AS_SERVER:
        shutil.chown(path, "postgres", "postgres")
    return str(path)


def use_key(connection, path):
    value(connection, "SELECT set_config('projectalpha_store.secret_key_file', %s, false)", path)


def set_secret(connection, tool, **named):
    changes = psycopg.types.json.Jsonb({"auth_config": {"header": "X-Api-Key", "secret": named}})
    connection.execute("SELECT projectalpha.update_tool_info(%s, %s)", [tool, changes])


def files_with(folder, text):
    """What in a folder has these bytes, or is a folder that has."""
    found = set()
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            if path.is_file() and text.encode() in path.read_bytes():
                found.add(path.relative_to(folder).parts[0])
    return found


def test_no_secret_is_on_disk_in_clear():
    kept, replaced, removed, refused, rolled_back, public = (f"mark{secrets.token_hex(12)}" for _ in range(6))
    with Cluster("wal_level=logical", "full_page_writes=on") as cluster, cluster.new_store() as db:
        use_key(db, key_file(cluster, "key"))
        db.execute("SELECT projectalpha.register_tool('weather', storage => 'none')")
        # As parameters, and written into the statement.
        set_secret(db, "weather", api_key=replaced, gone=removed)
        db.execute(f"SELECT projectalpha.update_tool_info('weather', '{{\"auth_config\": {{\"secret\": {{\"api_key\": \"{kept}\", \"gone\": null}}}}}}')")
        db.execute("SELECT projectalpha.update_tool_info('weather', jsonb_build_object('owner', %s::text))", [public])
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            db.execute(f"SELECT projectalpha.update_tool_info('weather', '{{\"version\": \"x\", \"auth_config\": {{\"secret\": {{\"a\": \"{refused}\"}}}}}}')")
        with db.transaction(force_rollback=True):
            set_secret(db, "weather", b=rolled_back)
        assert value(db, "SELECT projectalpha.reveal_tool_secret('weather', 'api_key')") == kept
        db.execute("CHECKPOINT")
        folder = cluster.data.parent
        # It would be found: what is not secret is, in its table and in the WAL.
        assert files_with(folder, public) == {"data"}
        assert {"base", "pg_wal"} <= files_with(cluster.data, public)
        for secret in (kept, replaced, removed, refused, rolled_back):
            assert files_with(folder, secret) == set()
        log = (folder / "log").read_text()
        assert "must be a semantic version" in log and "secret 'api_key' of tool 'weather' is shown to role \"postgres\"" in log


@pytest.fixture(scope="module")
def large(cluster):
    """A catalogue of many tools; one in a thousand is about weather."""
    with cluster.new_store() as db:
        db.execute(
            """INSERT INTO projectalpha.tools (tool_name, storage, description, sensitive)
               SELECT 'tool_' || n || CASE WHEN n %% 1000 = 0 THEN '_weather' ELSE '' END, 'none'
                    , 'Number ' || n || ' of many, about ' || (ARRAY['money', 'people', 'food', 'music'])[n %% 4 + 1], n %% 3 = 0
                 FROM generate_series(1, %s) AS n""",
            [TOOLS],
        )
        db.execute("INSERT INTO projectalpha.tool_info (tool_id, tags) SELECT id, ARRAY['t' || id] FROM projectalpha.tools")
        db.execute("VACUUM ANALYZE")
        yield db


SCANS = """SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot();
           SELECT c.relname::text, pg_stat_get_numscans(c.oid) FROM pg_class AS c
            WHERE c.relnamespace = 'projectalpha'::regnamespace AND c.relname IN ('tools', 'tool_info', 'tool_search', 'tool_search_document', 'tool_search_name_part')"""


def scans(cluster, connection):
    """How often tables were read from end to end, and indexes used, as all sessions have counted."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    with cluster.another(connection) as other:
        return dict(rows(other, SCANS.split(";")[1]))


@pytest.mark.parametrize("role", ["postgres", "projectalpha_anon"])
def test_a_search_uses_its_index(cluster, large, role):
    large.execute(f"SET ROLE {role}")
    try:
        before = scans(cluster, large)
        # More often than a plan is made for the values of each call.
        for _ in range(8):
            found = rows(large, "SELECT tool_name FROM projectalpha.search_tools('weath', row_limit => 100)")
            assert len(found) == TOOLS // 1000
        after = scans(cluster, large)
    finally:
        large.execute("RESET ROLE")
    assert after["tool_search_document"] - before["tool_search_document"] == 8
    # That of names alone is for those who see nothing else of sensitive tools.
    if role == "projectalpha_anon":
        assert after["tool_search_name_part"] - before["tool_search_name_part"] == 8
    assert [after[table] - before[table] for table in ("tool_info", "tool_search")] == [0, 0]


def test_so_does_the_endpoint(cluster, large):
    large.execute("""SELECT set_config('request.headers', '{"x-uri": "/tools?q=weather&limit=100"}', false)""")
    before = scans(cluster, large)
    for _ in range(8):
        rows(large, "SELECT tool_name FROM projectalpha.search_tools('weather', row_limit => 100)")
    search = scans(cluster, large)
    for _ in range(8):
        assert value(large, "SELECT convert_from(projectalpha_http.list_tools(''), 'UTF8')").count('"endpoint"') == TOOLS // 1000
    after = scans(cluster, large)
    assert after["tool_search_document"] - search["tool_search_document"] == 8
    assert after["tool_search"] == before["tool_search"]
    # It reads no table more often from end to end than the search does.
    for table in ("tools", "tool_info"):
        assert after[table] - search[table] == search[table] - before[table]


def test_every_tool_is_in_the_index(large):
    assert value(large, "SELECT count(*) FROM projectalpha.tool_search WHERE document @@ 'tool'") == TOOLS
    assert value(large, "SELECT count(*) FROM projectalpha.search_tools('many', row_limit => 10000)") == TOOLS
    tool_id = value(large, "SELECT id FROM projectalpha.tools WHERE tool_name = 'tool_7'")
    assert rows(large, "SELECT tool_name FROM projectalpha.search_tools(%s)", f"t{tool_id} ") == [("tool_7",)]


def test_a_rotation_that_is_killed_goes_on_where_it_was(cluster, store):
    old, new = key_file(cluster, "old"), key_file(cluster, "new")
    use_key(store, old)
    store.execute("SELECT projectalpha.register_tool('weather', storage => 'none')")
    set_secret(store, "weather", **{f"s{n}": f"secret {n}" for n in range(6)})
    keys = "SELECT name, count(*) OVER (PARTITION BY key_id) FROM projectalpha.tool_secrets ORDER BY name"
    assert {count for _, count in rows(store, keys)} == {6}

    # Somebody keeps the third one locked; two are done, each in a transaction of its own, and then it is killed.
    with cluster.another(store) as holder, cluster.another(store) as rotating:
        pid = rotating.info.backend_pid
        use_key(rotating, new)
        with holder.transaction():
            holder.execute("SELECT FROM projectalpha.tool_secrets WHERE name = 's2' FOR UPDATE")
            failures = []

            def rotate():
                try:
                    rotating.execute("CALL projectalpha.rotate_secret_key(%s, 1)", [old])
                except psycopg.errors.AdminShutdown as error:
                    failures.append(error)

            thread = threading.Thread(target=rotate)
            thread.start()
            while not value(store, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'", pid):
                assert thread.is_alive()
            store.execute("SELECT pg_terminate_backend(%s)", [pid])
            thread.join()
            assert len(failures) == 1
    assert dict(rows(store, keys)) == {"s0": 2, "s1": 2, "s2": 4, "s3": 4, "s4": 4, "s5": 4}

    use_key(store, new)
    assert value(store, "SELECT projectalpha.reveal_tool_secret('weather', 's1')") == "secret 1"
    notices = []
    store.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    store.execute("CALL projectalpha.rotate_secret_key(%s, 3)", [old])
    assert notices == ["4 secrets are sealed with the new key"]
    for n in range(6):
        assert value(store, "SELECT projectalpha.reveal_tool_secret('weather', %s)", f"s{n}") == f"secret {n}"
