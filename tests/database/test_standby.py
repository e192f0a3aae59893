"""Reading on a hot standby: cold and warm, with what the primary changes as soon as it is replayed."""

import time

import psycopg
import pytest

from cluster import Cluster, rows, value


class Standby(Cluster):
    """A copy of another cluster that follows it."""

    def __init__(self, primary):
        super().__init__()
        self.settings = primary.settings
        self.primary = primary

    def make(self):
        self.serve("pg_basebackup", "-D", str(self.data), "-h", "127.0.0.1", "-p", str(self.primary.port), "-U", "postgres", "-R", "-X", "stream", "-c", "fast")

    def catch_up(self):
        with self.primary.connect("postgres") as primary, self.connect("postgres") as here:
            position = value(primary, "SELECT pg_current_wal_flush_lsn()")
            for _ in range(600):
                if value(here, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", position):
                    return
                time.sleep(0.05)
        raise AssertionError("the standby did not catch up within 30 s")


@pytest.fixture(scope="module")
def pair():
    with Cluster("wal_level=replica", "max_wal_senders=4", "synchronous_commit=on", preloaded=True) as primary:
        with Standby(primary) as standby:
            yield primary, standby


def test_listing_on_a_standby(pair):
    primary, standby = pair
    with primary.new_store() as here:
        here.execute("""SELECT projectalpha.register_tool('survey', 'survey-token-001', '[{"name": "n", "type": "int"}]', sensitive => true)""")
        here.execute("SELECT projectalpha.add_common_token('common-token-001')")
        here.execute("SELECT projectalpha.store_record('survey', 'survey-token-001', '{\"n\": 42}')")
        here.execute("SELECT projectalpha.store_common('small', '{}', true)")
        standby.catch_up()
        listed = "SELECT r->'n' FROM projectalpha.list_records('survey', token => 'survey-token-001') AS r"
        common = "SELECT r->'sensitive' FROM projectalpha.list_common('small', token => 'common-token-001') AS r"
        with standby.connect(here.info.dbname) as there:
            there.execute("SET ROLE projectalpha_anon")
            assert value(there, "SELECT pg_is_in_recovery()")
            for _ in range(3):
                assert (rows(there, listed), rows(there, common)) == ([(42,)], [(1,)])
            assert value(there, "SELECT convert_from(projectalpha_http.list_records(''), 'UTF8')").startswith("{\"detail\"")
            # Writing is refused as PostgreSQL refuses it, and the session goes on.
            for statement in (
                "SELECT projectalpha.store_record('survey', 'survey-token-001', '{}')",
                "SELECT projectalpha.store_records('survey', 'survey-token-001', '[{}]')",
                "SELECT projectalpha.store_common('small', '{}')",
            ):
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                    there.execute(statement)
            # A change of the table, more rows, another schema: seen when they are replayed, in a warm session.
            here.execute("ALTER TABLE projectalpha_data.tool_survey ADD COLUMN extra int")
            here.execute("SELECT projectalpha.store_record('survey', 'survey-token-001', '{\"n\": 43}')")
            standby.catch_up()
            assert rows(there, listed) == [(42,), (43,)]
            here.execute("VACUUM FULL projectalpha.tools")
            standby.catch_up()
            assert len(rows(there, listed)) == 2
            # A revocation, too.
            here.execute("SELECT projectalpha.revoke_token(t) FROM unnest(ARRAY['survey-token-001', 'common-token-001']) AS t")
            standby.catch_up()
            for query in (listed, common):
                with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
                    there.execute(query)
            here.execute("SELECT projectalpha.delete_tool('survey')")
            standby.catch_up()
            with pytest.raises(psycopg.errors.UndefinedObject):
                there.execute(listed)


def test_searching_on_a_standby(pair):
    primary, standby = pair
    with primary.new_store() as here:
        here.execute("""SELECT projectalpha.register_tool('found', 'token-of-found', '[{"name": "n", "type": "int"}]')""")
        here.execute("SELECT projectalpha.store_records('found', 'token-of-found', '[{\"n\": 2}, {\"n\": 1}, {}, {\"n\": 1}]')")
        standby.catch_up()
        page = """SELECT (r->>'id')::int FROM projectalpha.list_records('found', filter => '{"id": {"lt": 4}}', order_by => 'n',
                      after => projectalpha.page_cursor('{"id": 2, "n": 1}', 'n')) AS r"""
        with standby.connect(here.info.dbname) as there:
            there.execute("SET ROLE projectalpha_anon")
            for _ in range(3):
                assert rows(there, page) == [(1,), (3,)]
                assert value(there, "SELECT projectalpha.count_records('found', '{\"n\": 1}')") == 2
            here.execute("CREATE INDEX ON projectalpha_data.tool_found (n, id)")
            here.execute("SELECT projectalpha.store_record('found', 'token-of-found', '{\"n\": 1}')")
            standby.catch_up()
            assert rows(there, page) == [(1,), (3,)]
            assert value(there, "SELECT projectalpha.count_records('found', '{\"n\": 1}')") == 3


def test_an_unlogged_table_on_a_standby_is_refused_as_by_a_select(pair):
    primary, standby = pair
    with primary.new_store() as here:
        here.execute("SELECT projectalpha.register_tool('brief', 'token-of-brief')")
        here.execute("ALTER TABLE projectalpha_data.tool_brief SET UNLOGGED")
        standby.catch_up()
        with standby.connect(here.info.dbname) as there:
            for statement in ("TABLE projectalpha_data.tool_brief", "SELECT projectalpha.list_records('brief')"):
                with pytest.raises(psycopg.errors.FeatureNotSupported, match="unlogged"):
                    there.execute(statement)


def test_questions_across_projects_on_a_standby(pair):
    primary, standby = pair
    with primary.new_store() as here:
        here.execute("SELECT projectalpha.create_project('a'), projectalpha.create_project('b')")
        here.execute("SELECT projectalpha.set_vocabulary(p, 'term', 'definition') FROM generate_series(1, 2) AS p")
        standby.catch_up()
        asked = "SELECT r->'project_id', r->>'term' FROM projectalpha.across_projects('vocabulary', where_filter => '{\"term\": \"term\"}') AS r"
        with standby.connect(here.info.dbname) as there:
            assert rows(there, asked) == [(1, "term"), (2, "term")]
            assert rows(there, "SELECT * FROM projectalpha.project_access") == []
            for writes in ("grant_project_access(1, 'projectalpha_x', 'read')", "export_project(1)"):
                with pytest.raises(psycopg.Error):
                    there.execute(f"SELECT projectalpha.{writes}")


def test_tenants_on_a_standby(pair):
    primary, standby = pair
    with primary.new_store() as here:
        here.execute("""SELECT projectalpha.register_tool('survey', 'shared-token-001', '[{"name": "n", "type": "int"}]')""")
        for project in (1, 2):
            here.execute("SELECT projectalpha.create_project(%s)", (f"project {project}",))
            here.execute("SELECT projectalpha.enable_tool('survey', %s, %s)", (project, f"token-of-project-{project}"))
            here.execute("SELECT projectalpha.store_record('survey', %s, %s)", (f"token-of-project-{project}", f'{{"n": {project}}}'))
        here.execute("SELECT projectalpha.create_prompt('greeting', 'Hello {{name}}'), projectalpha.adapt_prompt(1, 1, 'Hi {{name}}')")
        token = value(here, "SELECT projectalpha.issue_project_token(1, '{read,write}')")
        standby.catch_up()
        listed = "SELECT (r->>'n')::int FROM projectalpha.list_records('survey', token => %s) AS r"
        with standby.connect(here.info.dbname) as there:
            there.execute("SET ROLE projectalpha_anon")
            for _ in range(3):
                for project in (1, 2):
                    assert rows(there, listed, f"token-of-project-{project}") == [(project,)]
                    assert value(there, "SELECT projectalpha.count_records('survey', token => %s)", f"token-of-project-{project}") == 1
                assert rows(there, listed, "wrong-token") == []
                assert value(there, "SELECT projectalpha.render_prompt(1, 1, '{\"name\": \"Ann\"}', %s)", token) == "Hi Ann"
            for statement in (
                "SELECT projectalpha.store_record('survey', 'token-of-project-1', '{}')",
                "SELECT projectalpha.update_record('survey', 'token-of-project-1', 1, '{\"n\": 3}')",
                "SELECT projectalpha.store_record('survey', 'token-of-project-1', '{}', 'key')",
                f"SELECT projectalpha.set_metadata(1, 'k', '1', token => '{token}')",
                f"SELECT projectalpha.record_llm_usage(1, NULL, 'm', 1, 1, 1, '{token}')",
            ):
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                    there.execute(statement)
            # What becomes of project and token on the primary, in a warm session.
            here.execute("SELECT projectalpha.alter_tool('survey', '{\"rename\": {\"field\": \"n\", \"to\": \"m\"}}'), projectalpha.upgrade_project(2)")
            standby.catch_up()
            assert rows(there, listed, "token-of-project-1") == [(1,)]
            assert rows(there, listed.replace("'n'", "'m'"), "token-of-project-2") == [(2,)]
            here.execute("SELECT projectalpha.set_project_status(1, 'archived'), projectalpha.disable_tool('survey', 2)")
            standby.catch_up()
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                rows(there, listed, "token-of-project-1")
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                there.execute("SELECT projectalpha.render_prompt(1, 1, '{\"name\": \"Ann\"}', %s)", (token,))
            # Of a tool that is not sensitive it shows what everybody sees.
            assert rows(there, listed.replace("'n'", "'m'"), "token-of-project-2") == []


def test_a_standby_counts_rates_for_itself(pair):
    primary, standby = pair
    with primary.new_store() as here:
        here.execute("SELECT projectalpha.register_tool('rated', 'token-of-rated', '[]')")
        here.execute("""SELECT projectalpha.create_policy('rated', 'limit', 'allow', '{read}', '{"rate": {"max": 2, "per": "1 hour"}}')""")
        standby.catch_up()
        listing = "SELECT projectalpha.list_records('rated', token => 'token-of-rated')"
        with standby.connect(here.info.dbname) as there:
            for db in (there, here):
                for _ in range(2):
                    db.execute(listing)
                with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
                    db.execute(listing)


def test_the_gate_on_a_standby(pair):
    """Policies and agents as the primary changes them; rates are the standby's own."""
    primary, standby = pair
    with primary.new_store() as here:
        here.execute("""SELECT projectalpha.register_tool('gated', 'token-of-gated', '[{"name": "n", "type": "int"}]')""")
        here.execute("SELECT projectalpha.create_policy('gated', 'readers', 'allow', '{read}', '{\"roles\": [\"reader\"], \"rate\": {\"max\": 3, \"per\": \"1 hour\", \"by\": \"credential\"}}')")
        agent = value(here, "SELECT agent_id FROM projectalpha.create_agent('reader', roles => '{reader}')")
        issue = "SELECT projectalpha.issue_credential(%s, 'gated', '{read}', '1 day')"
        tokens = [value(here, issue, agent) for _ in range(4)]
        standby.catch_up()
        with standby.connect(here.info.dbname) as there:
            there.execute("SET ROLE projectalpha_anon")
            there.execute("SET default_transaction_read_only = on")

            def told(token):
                try:
                    return value(there, "SELECT projectalpha.count_records('gated', token => %s)", token)
                except psycopg.Error as error:
                    return error.sqlstate

            def asked(token):
                return value(there, "SELECT projectalpha.check_access(%s, 'gated', 'read')", token)

            def after(change, *parameters):
                here.execute(change, parameters or None)
                standby.catch_up()

            assert [told(tokens[0]) for _ in range(5)] == [0, 0, 0, "53400", "53400"] and not asked(tokens[0])
            assert value(here, "SELECT projectalpha.count_records('gated', token => %s)", tokens[0]) == 0
            assert told(tokens[1]) == 0 and asked(tokens[1])
            after("SELECT projectalpha.create_policy('gated', 'closed', 'deny', '{read}', priority => 1)")
            assert told(tokens[1]) == "42501" and told("token-of-gated") == "42501" and told(None) == "42501" and not asked(tokens[1])
            after("SELECT projectalpha.delete_policy('gated', 'closed')")
            assert told(tokens[1]) == 0 and told(tokens[2]) == 0
            after("SELECT projectalpha.update_agent(%s, '{\"roles\": []}')", agent)
            assert told(tokens[2]) == "42501"
            after("SELECT projectalpha.update_agent(%s, '{\"roles\": [\"reader\"]}')", agent)
            assert told(tokens[2]) == 0
            here.execute("UPDATE projectalpha.tools SET sensitive = true")
            after("SELECT projectalpha.deactivate_agent(%s)", agent)
            assert told(tokens[3]) == "28000" and not asked(tokens[3])
            after("SELECT projectalpha.activate_agent(%s)", agent)
            assert told(tokens[3]) == 0
            after("SELECT projectalpha.revoke_all(%s)", agent)
            assert told(tokens[3]) == "28000"
