"""A thousand projects: upgraded, interrupted, killed and gone on with; and projects in a dump."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from cluster import Cluster, rows, value
from stack import eventually

PROJECTS = 1000
# No project may have the same term twice after it.
UNIQUE_TERMS = "ALTER TABLE contents ADD COLUMN language text; CREATE UNIQUE INDEX ON vocabulary (term)"
# Run twice in a project, it would leave two rows.
ONE_ROW = "INSERT INTO vocabulary (term, definition) VALUES ('once', 'only')"


@pytest.fixture(scope="module")
def projects_cluster():
    """One of our own: a backend that is killed takes all sessions of its cluster with it."""
    with Cluster() as running:
        yield running


@pytest.fixture(scope="module")
def template(projects_cluster):
    """The name of a database with a thousand projects, for copies."""
    with projects_cluster.new_store() as db:
        make_projects(db, PROJECTS)
        assert value(db, "SELECT count(*) FROM projectalpha.project_list WHERE version = 1") == PROJECTS
        return db.info.dbname


@pytest.fixture
def thousand(projects_cluster, template):
    name = f"{template}_{time.monotonic_ns()}"
    with projects_cluster.connect("postgres") as db:
        # With a checkpoint before and after, so that there is little to recover from when a backend is killed.
        db.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    with projects_cluster.connect(name) as db:
        yield db
    with projects_cluster.connect("postgres") as db:
        db.execute(f"DROP DATABASE {name} WITH (FORCE)")


def make_projects(db, count):
    db.execute(
        f"""DO $$ BEGIN
                PERFORM projectalpha.create_client('Example Ltd');
                FOR n IN 1..{count} LOOP
                    PERFORM projectalpha.create_project('Project ' || n, CASE WHEN n % 2 = 0 THEN 1 END);
                    COMMIT;
                END LOOP;
            END $$"""
    )


def add(db, sql, name="second"):
    return value(db, "SELECT projectalpha.add_project_migration(%s, %s)", name, sql)


def progress(db):
    return rows(db, "SELECT total, current, behind, failed FROM projectalpha.upgrade_progress")[0]


def notices_of(db):
    heard = []
    db.add_notice_handler(lambda notice: heard.append((notice.severity, notice.message_primary)))
    return heard


def in_background(db, statement):
    """Sends a statement and does not wait for it."""
    db.pgconn.send_query(statement.encode())


def tables_follow_versions(db):
    """True if each project has exactly what its version says: that of UNIQUE_TERMS or not."""
    return value(
        db,
        """SELECT bool_and((u.version = 2) = EXISTS (
                      SELECT FROM pg_attribute AS a
                       WHERE a.attrelid = to_regclass('project_' || u.project_id || '.contents') AND a.attname = 'language')
                  AND (u.version = 2) = (to_regclass('project_' || u.project_id || '.vocabulary_term_idx1') IS NOT NULL))
             FROM projectalpha.project_upgrades AS u""",
    )


def test_a_migration_that_fails_in_one_project_of_a_thousand(thousand):
    db = thousand
    db.execute("INSERT INTO project_500.vocabulary (term, definition) VALUES ('twice', 's3cret'), ('twice', 's3cret')")
    add(db, UNIQUE_TERMS)
    heard = notices_of(db)

    with pytest.raises(psycopg.errors.UniqueViolation, match=r"Project 500 \(500 of 1000\)") as stopped:
        db.execute("CALL projectalpha.upgrade_all_projects()")
    assert "s3cret" not in str(stopped.value) + str(stopped.value.diag.message_detail)
    assert heard == [("NOTICE", f"Project {n} ({n} of 1000): version 2") for n in range(1, 500)]
    assert progress(db) == (1000, 499, 501, 1)
    failure = rows(db, "SELECT project_id, version, failed_step, failed_sqlstate FROM projectalpha.project_upgrades WHERE failed_at IS NOT NULL")
    assert failure == [(500, 1, "migration 2", "23505")]
    assert tables_follow_versions(db)

    heard.clear()
    db.execute("CALL projectalpha.upgrade_all_projects(on_error => 'continue')")
    assert heard[0][0] == "WARNING" and heard[0][1].startswith("Project 500 (1 of 501): ")
    assert heard[1] == ("NOTICE", "Project 501 (2 of 501): version 2")
    assert heard[-2:] == [("NOTICE", "Projects upgraded: 500"), ("WARNING", "Projects that failed: 1")]
    assert progress(db) == (1000, 999, 1, 1)
    assert tables_follow_versions(db)

    db.execute("DELETE FROM project_500.vocabulary")
    heard.clear()
    db.execute("CALL projectalpha.upgrade_all_projects()")
    assert heard == [("NOTICE", "Project 500 (1 of 1): version 2"), ("NOTICE", "Projects upgraded: 1")]
    assert progress(db) == (1000, 1000, 0, 0)
    assert tables_follow_versions(db)


@pytest.mark.parametrize("how", ["killed", "cancelled"])
def test_an_upgrade_that_was_interrupted_goes_on(projects_cluster, thousand, how):
    database = thousand.info.dbname
    add(thousand, UNIQUE_TERMS + "; SELECT pg_sleep(0.003)")
    worker = projects_cluster.connect(database)
    in_background(worker, "CALL projectalpha.upgrade_all_projects()")
    eventually(lambda: progress(thousand)[1] > 100)
    if how == "killed":
        projects_cluster.kill_backend(worker.info.backend_pid)
    else:
        assert value(thousand, "SELECT pg_cancel_backend(%s)", worker.info.backend_pid)
        eventually(lambda: value(thousand, "SELECT state FROM pg_stat_activity WHERE pid = %s", worker.info.backend_pid) == "idle")
    worker.close()

    with projects_cluster.reconnect(database) as db:
        total, current, behind, failed = progress(db)
        assert total == 1000 and 100 < current < 1000 and current + behind == total
        assert failed == 0
        assert tables_follow_versions(db)
        heard = notices_of(db)
        db.execute("CALL projectalpha.upgrade_all_projects()")
        assert heard[0] == ("NOTICE", f"Project {current + 1} (1 of {behind}): version 2")
        assert heard[-1] == ("NOTICE", f"Projects upgraded: {behind}")
        assert progress(db) == (1000, 1000, 0, 0)
        assert tables_follow_versions(db)


def test_two_callers_at_once(projects_cluster, thousand):
    add(thousand, ONE_ROW)
    start = threading.Barrier(2)

    def upgrade():
        with projects_cluster.another(thousand) as session:
            heard = notices_of(session)
            start.wait(30)
            session.execute("CALL projectalpha.upgrade_all_projects()")
            return heard

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(upgrade) for _ in range(2)]
        heard = [notice for done in both for notice in done.result(300)]
    assert progress(thousand) == (1000, 1000, 0, 0)
    upgraded = {int(found[1]) for _, text in heard if (found := re.match(r"Project (\d+) \(.*version 2$", text))}
    assert upgraded == set(range(1, 1001))
    # Every project has had it, and none twice.
    once = value(
        thousand,
        """SELECT count(*) FROM projectalpha.projects AS p
            WHERE (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM project_%s.vocabulary', p.id), false, true, '')))[1]::text = '1'""",
    )
    assert once == 1000


def test_only_the_project_at_hand_is_locked(projects_cluster, thousand):
    db = thousand
    add(db, UNIQUE_TERMS)
    with projects_cluster.another(db) as reader, projects_cluster.another(db) as worker:
        reader.execute("BEGIN")
        reader.execute("LOCK TABLE project_700.contents IN ACCESS SHARE MODE")
        worker.execute("SET projectalpha_store.ddl_lock_timeout = '60 s'")
        in_background(worker, "CALL projectalpha.upgrade_all_projects()")
        pid = worker.info.backend_pid
        eventually(lambda: progress(db)[1] == 699 and value(db, "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)", pid))
        locked = rows(
            db,
            """SELECT DISTINCT n.nspname FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
                 JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE l.pid = %s AND n.nspname ~ '^project_'""",
            pid,
        )
        assert locked == [("project_700",)]
        # Meanwhile others work in their projects, and on this one's other tables.
        db.execute("SET lock_timeout = '5 s'")
        db.execute("INSERT INTO project_699.contents (body, object_model_id) VALUES ('b', 1)")
        db.execute("INSERT INTO project_701.contents (body, object_model_id) VALUES ('b', 1)")
        db.execute("INSERT INTO project_700.vocabulary (term, definition) VALUES ('t', 'd')")
        assert value(db, "SELECT projectalpha.upgrade_project(800)") == 2
        reader.execute("COMMIT")
        eventually(lambda: progress(db)[1] == 1000)
        worker.close()


def test_memory_does_not_grow_with_the_number_of_projects(thousand):
    db = thousand
    add(db, UNIQUE_TERMS)
    db.execute("SET client_min_messages = warning")

    def kilobytes():
        with open(f"/proc/{db.info.backend_pid}/status", encoding="ascii") as status:
            return int(re.search(r"RssAnon:\s+(\d+) kB", status.read())[1])

    db.execute("CALL projectalpha.upgrade_all_projects(NULL, %s)", [list(range(1, 101))])
    assert progress(db)[1] == 100
    after_100 = kilobytes()
    db.execute("CALL projectalpha.upgrade_all_projects()")
    assert progress(db)[1] == 1000
    assert kilobytes() - after_100 < 16 * 1024


@pytest.fixture
def fifty(projects_cluster):
    with projects_cluster.new_store() as db:
        make_projects(db, 50)
        add(db, "ALTER TABLE contents ADD COLUMN language text; CREATE TABLE terms (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, term text)")
        db.execute("CALL projectalpha.upgrade_all_projects(NULL, %s)", [list(range(1, 50))])
        for project in (1, 25, 50):
            db.execute(f"INSERT INTO project_{project}.contents (title, body, object_model_id) VALUES ('of {project}', 'body', 1)")
        db.execute("INSERT INTO project_7.terms (term) VALUES ('of 7')")
        enable_for_half(db)
        db.execute("SELECT projectalpha.set_project_status(7, 'suspended')")
        db.execute("INSERT INTO projectalpha.credentials (digest, hint, scopes, project_id) VALUES (sha256('p7'), 'p7', '{project}', 7)")
        yield db


def enable_for_half(db):
    """A tool of every second project, with the definition that it had when they began; project 4 alone has the one of now."""
    db.execute('SELECT projectalpha.register_tool(%s, %s, %s)', ("survey", "shared-token-001", '[{"name": "n", "type": "int", "unique": true}]'))
    db.execute("SELECT projectalpha.allow_tool('survey', 1)")
    for project in range(2, 51, 2):
        db.execute("SELECT projectalpha.enable_tool('survey', %s, %s)", (project, f"token-of-project-{project}"))
        db.execute("SELECT projectalpha.store_record('survey', %s, %s, 'key')", (f"token-of-project-{project}", f'{{"n": {project}}}'))
    db.execute("SELECT projectalpha.alter_tool('survey', '{\"rename\": {\"field\": \"n\", \"to\": \"m\"}}')")
    db.execute("SELECT projectalpha.upgrade_project(4, 2), projectalpha.disable_tool('survey', 6)")


def of_tenants(db):
    """What each token opens."""
    for project in range(2, 51, 2):
        token = f"token-of-project-{project}"
        if project == 6:
            with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
                db.execute("SELECT projectalpha.store_record('survey', %s, '{}')", (token,))
            continue
        field = "m" if project == 4 else "n"
        ((record,),) = rows(db, "SELECT r FROM projectalpha.list_records('survey', token => %s) AS r", token)
        assert (record["id"], record[field]) == (1, project)
        # Its key is known.
        assert value(db, "SELECT projectalpha.store_record('survey', %s, %s, 'key')", token, f'{{"n": {project}}}') == 1
    # Ids go on, and what is unique stays so.
    assert value(db, "SELECT projectalpha.store_record('survey', 'token-of-project-8', '{\"n\": -1}')") == 2
    with pytest.raises(psycopg.errors.UniqueViolation, match="'n' must be unique"):
        db.execute("SELECT projectalpha.store_record('survey', 'token-of-project-8', '{\"n\": 8}')")


CONTENTS = {
    "projects": "SELECT * FROM projectalpha.projects ORDER BY id",
    "clients": "SELECT * FROM projectalpha.clients ORDER BY id",
    "upgrades": "SELECT * FROM projectalpha.project_upgrades ORDER BY project_id",
    "migrations": "SELECT version, name, sql, checksum, created_by FROM projectalpha.project_migrations ORDER BY version",
    "applied": "SELECT * FROM projectalpha.applied_migrations ORDER BY project_id, version",
    "credentials": "SELECT * FROM projectalpha.credentials ORDER BY id",
    "allowed": "SELECT * FROM projectalpha.client_tools ORDER BY client_id, tool_id",
    "tools": "SELECT * FROM projectalpha.project_tool_list ORDER BY project_id",
    "objects": """SELECT n.nspname, n.nspowner::regrole::text, n.nspacl::text, c.relname, c.relkind, c.relowner::regrole::text, c.relacl::text
                    FROM pg_namespace AS n LEFT JOIN pg_class AS c ON c.relnamespace = n.oid
                   WHERE n.nspname ~ '^project_' ORDER BY n.nspname, c.relname""",
    "rows": "SELECT * FROM project_25.contents UNION ALL SELECT *, NULL FROM project_50.contents",
}


@pytest.mark.parametrize("arguments", [(), ("--format=custom", "--jobs=4")])
def test_a_restored_database_goes_on_with_its_projects(projects_cluster, fifty, arguments, tmp_path):
    cluster, database = projects_cluster, projects_cluster.new_database()
    if arguments:
        tmp_path.chmod(0o755)
        archive = tmp_path / "dump"
        cluster.client("pg_dump", fifty.info.dbname, arguments[0], "-f", str(archive))
        cluster.client("pg_restore", database, "--exit-on-error", arguments[1], str(archive))
    else:
        cluster.client("psql", database, "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", input=cluster.client("pg_dump", fifty.info.dbname))
    with cluster.connect(database) as db:
        for what, query in CONTENTS.items():
            assert rows(db, query) == rows(fifty, query), what
        assert progress(db) == (50, 26, 24, 0)
        of_tenants(db)
        db.execute("CALL projectalpha.upgrade_all_projects()")
        assert progress(db) == (50, 50, 0, 0)
        assert value(db, "SELECT projectalpha.create_project('Next', 1)") == 51
        assert add(db, "ALTER TABLE terms ADD COLUMN language text", "third") == 3
        db.execute("CALL projectalpha.upgrade_all_projects()")
        assert value(db, "INSERT INTO project_7.terms (term, language) VALUES ('next', 'en') RETURNING id") == 2
        db.execute("SET client_min_messages = warning")
        db.execute("SELECT projectalpha.drop_project(7, 'Project 7')")
        assert value(db, "SELECT count(*) FROM projectalpha.credentials WHERE project_id = 7 AND revoked_at IS NULL") == 0


def test_projects_outlive_the_extension_and_are_not_taken_for_new_ones(fifty):
    db = fifty
    db.execute("DROP EXTENSION projectalpha_store")
    assert value(db, "SELECT title FROM project_25.contents") == "of 25"
    db.execute("CREATE EXTENSION projectalpha_store")
    with pytest.raises(psycopg.errors.DuplicateSchema, match="Schema 'project_1' already exists"):
        db.execute("SELECT projectalpha.create_project('New')")
    assert value(db, "SELECT count(*) FROM projectalpha.projects") == 0
    assert value(db, "SELECT title FROM project_1.contents") == "of 1"
