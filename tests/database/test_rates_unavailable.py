"""Policies with a rate where nothing counts: refused, and if they are there already, nobody gets through by that."""

import json

import psycopg
import pytest
from psycopg.types.json import Jsonb

from cluster import Cluster, rows, value

RATE = {"rate": {"max": 1000, "per": "1 hour"}}
CREATE = "SELECT projectalpha.create_policy('t', %s, %s, '{*}', %s, %s)"
STORE = "SELECT projectalpha.store_record('t', %s, '{}')"


def refusal(connection, query, *parameters):
    with pytest.raises(psycopg.Error) as refused:
        connection.execute(query, parameters or None)
    return refused.value.diag


def with_tool(db):
    own = value(db, "SELECT (projectalpha.register_tool('t', NULL, '[{\"name\": \"n\", \"type\": \"int\"}]')).token")
    agent = value(db, "SELECT agent_id FROM projectalpha.create_agent('a')")
    db.execute(CREATE, ["grants", "allow", Jsonb({}), ["read", "write"]])
    token = value(db, "SELECT projectalpha.issue_credential(%s, 't', '{read,write}', '1 day')", agent)
    db.execute("SELECT projectalpha.delete_policy('t', 'grants')")
    return own, token


def test_a_rate_is_refused_with_the_line_to_add(store):
    with_tool(store)
    store.execute(CREATE, ["free", "allow", Jsonb({}), None])
    for effect in ("allow", "deny"):
        told = refusal(store, CREATE, "slowly", effect, Jsonb(RATE), None)
        assert told.sqlstate == "55000" and "shared_preload_libraries = 'projectalpha_store'" in told.message_hint and "postgresql.conf" in told.message_hint
    told = refusal(store, "SELECT projectalpha.update_policy('t', 'free', %s)", Jsonb({"conditions": RATE}))
    assert told.sqlstate == "55000" and "shared_preload_libraries" in told.message_hint
    assert rows(store, "SELECT name, conditions FROM projectalpha.policies") == [("free", {})]


def test_a_rate_that_nothing_counts_any_more_lets_nobody_in():
    with Cluster(preloaded=True) as cluster:
        with cluster.new_store() as db:
            name = db.info.dbname
            own, token = with_tool(db)
            db.execute(CREATE, ["slowly", "allow", Jsonb(RATE), None])
            assert value(db, STORE, own) and value(db, STORE, token)
        cluster.serve("pg_ctl", "-D", str(cluster.data), "-m", "fast", "-w", "stop")
        cluster.settings = []
        cluster.start()
        with cluster.connect(name) as db:
            # It does not match: an agent is let in by nothing, and the tool's own token needs no policy.
            told = refusal(db, STORE, token)
            assert (told.sqlstate, told.message_primary) == ("42501", "Access denied")
            assert value(db, STORE, own)
            explained = value(db, "SELECT projectalpha.explain_access(%s, 't', 'write')", token)
            assert "shared_preload_libraries" in json.dumps(explained["policies"][0]) and explained["policies"][0]["outcome"] == "does_not_match"
            # One that denies beyond a rate denies all, and does not say when to try again.
            db.execute("UPDATE projectalpha.policies SET effect = 'deny'")
            for caller in (own, token):
                told = refusal(db, STORE, caller)
                assert (told.sqlstate, told.message_primary) == ("42501", "Access denied")
            # What else is in the policy still counts.
            db.execute("UPDATE projectalpha.policies SET conditions = conditions || '{\"roles\": [\"chief\"]}'")
            assert value(db, STORE, own)
            # It can be changed for another one, and be removed.
            db.execute("SELECT projectalpha.update_policy('t', 'slowly', %s)", [Jsonb({"effect": "allow", "conditions": {}})])
            assert value(db, STORE, token)
            db.execute("SELECT projectalpha.delete_policy('t', 'slowly')")
