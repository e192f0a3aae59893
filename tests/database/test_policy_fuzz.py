"""Documents that nobody would write, as conditions, changes and contexts: refused clearly or taken, never a crash, and nothing half done."""

import json
import random

import psycopg
import pytest
from psycopg.types.json import Jsonb

from cluster import rows, value

# A bad argument, NULL, an unknown field, a value of the wrong type or range, a bad name or time, too long a document.
CLEAR = {"22023", "22004", "42703", "42804", "22003", "22007", "42602", "54000", "42710", "42501", "42704"}
SEED = 20260101
FIELDS = [{"name": name, "type": kind} for name, kind in [("n", "int"), ("s", "str"), ("b", "bool"), ("f", "float"), ("j", "json"), ("t", "timestamp")]]

KEYS = ["roles", "permissions", "time", "addresses", "max_payload_bytes", "min_payload_bytes", "fields", "rate", "valid_from", "valid_until", "", "Roles", "x" * 300, "\u00e9"]
INNER = ["days", "from", "to", "zone", "max", "per", "by", "n", "s", "b", "f", "j", "t", "id", "created_at", "eq", "ne", "lt", "gte", "in", "like", "is_null", "contains", "zone "]
WORDS = [
    "mon", "sun", "24:00", "08:00", "8:00", "25:00", "00:00", "Europe/Berlin", "UTC", "Mars/Olympus", "../etc/passwd", "editor", "*", "", " ", "1 minute", "0 seconds", "-1 day", "1 fortnight", "99999999999999999999 days",
    "credential", "policy", "192.0.2.0/24", "192.0.2.1", "::1", "::/0", "192.0.2.0/33", "1.2.3", "::ffff:192.0.2.1/120", "2026-01-01", "2026-13-01", "infinity", "0001-01-01", "9999-12-31T23:59:59Z", "294277-01-01",
    "%", "\\", "a'b\"c", "$1", "\U0001f600", "x" * 5000, "NaN",
]
NUMBERS = [0, 1, -1, 600, 2**31, 2**63 - 1, 2**63, -(2**63), 10**40, 0.5, 1e308, -0.0, 1.5e-300]


def anything(random, depth=0):
    kind = random.randrange(8 if depth < 3 else 5)
    if kind == 0:
        return random.choice(NUMBERS)
    if kind in (1, 2):
        return random.choice(WORDS)
    if kind == 3:
        return random.choice([True, False])
    if kind == 4:
        return None
    if kind == 5:
        return [anything(random, depth + 1) for _ in range(random.randrange(4))]
    return {random.choice(KEYS + INNER): anything(random, depth + 1) for _ in range(random.randrange(4))}


def good(random):
    """Conditions that are right, all of them or some."""
    every = {
        "roles": ["editor"], "permissions": ["a", "b"], "addresses": ["192.0.2.0/24", "::1"], "max_payload_bytes": 1000, "min_payload_bytes": 1, "valid_from": "2026-01-01", "valid_until": "2027-01-01T00:00:00Z",
        "time": {"days": ["mon"], "from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}, "rate": {"max": 5, "per": "1 minute", "by": "address"},
        "fields": {"n": {"gte": 1, "lt": 10}, "s": {"like": "a%"}, "b": {"eq": True}, "f": {"in": [1.5, 2]}, "j": {"contains": {"a": [1]}}, "t": {"lt": "2026-01-01"}},
    }
    return {key: every[key] for key in random.sample(sorted(every), random.randrange(1, 6))}


def spoiled(random, document):
    """The same with one thing in it replaced, added or taken away."""
    document = json.loads(json.dumps(document))
    place = document
    while random.random() < 0.7:
        inner = [part for part in (place.values() if isinstance(place, dict) else place) if isinstance(part, (dict, list)) and part]
        if not inner:
            break
        place = random.choice(inner)
    if isinstance(place, list):
        place[random.randrange(len(place))] = anything(random)
    elif random.random() < 0.6 and place:
        place[random.choice(sorted(place))] = anything(random)
    else:
        place[random.choice(KEYS + INNER)] = anything(random)
    return document


def documents(count):
    chance = random.Random(SEED)
    for number in range(count):
        yield (anything, good, lambda c: spoiled(c, good(c)), lambda c: spoiled(c, spoiled(c, good(c))))[number % 4](chance), number % 4 == 1


# As text: what Python would not write.
TEXTS = [
    "null", "true", "[]", '""', "0", '{"roles": ["a", "a"]}', '{"roles": [null]}', '{"roles": []}', '{"roles": "editor"}', '{"time": {}}', '{"time": {"from": "08:00"}}', '{"time": {"from": "08:00", "to": "08:00"}}',
    '{"rate": {"max": 1e3, "per": "1 minute"}}', '{"rate": {"max": 1.0, "per": "1 minute"}}', '{"max_payload_bytes": 1e400}', '{"max_payload_bytes": 1.0}', '{"max_payload_bytes": 100000000000000000000000000}',
    '{"min_payload_bytes": 10, "max_payload_bytes": 9}', '{"valid_from": "2026-01-02", "valid_until": "2026-01-02"}', '{"fields": {}}', '{"fields": {"n": {}}}', '{"fields": {"n": {"eq": "1"}}}', '{"fields": {"missing": {"eq": 1}}}',
    '{"fields": {"j": {"lt": 1}}}', '{"addresses": [""]}', '{"addresses": ["192.0.2.1/24/8"]}', '{"addresses": {"0": "::1"}}', '{"rate": {"max": 0, "per": "1 minute"}}', '{"rate": {"max": 1, "per": "32 days"}}',
    '{"roles": ["editor"], "roles": ["x"]}', '{"fields": ' + '{"j": {"contains": ' + "[" * 500 + "]" * 500 + "}}}", '{"a": ' + "[" * 5000 + "]" * 5000 + "}", '{"roles": ["' + "x" * 200_000 + '"]}',
    '{"addresses": [' + ",".join(['"10.0.0.0/8"'] * 2000) + "]}", '{"fields": {"n": {"in": [' + ",".join(map(str, range(30_000))) + "]}}}",
]


class Tool:
    def __init__(self, db):
        self.db = db
        self.own = value(db, "SELECT (projectalpha.register_tool('t', NULL, %s)).token", Jsonb(FIELDS))
        db.execute("SELECT projectalpha.create_policy('t', 'kept', 'allow', '{*}', '{}', '{read,write}', -5)")
        agent = value(db, "SELECT agent_id FROM projectalpha.create_agent('a', roles => '{editor}', permissions => '{a,b}')")
        self.agents = value(db, "SELECT projectalpha.issue_credential(%s, 't', '{read,write}', '1 day')", agent)

    def state(self):
        return rows(self.db, "SELECT p::text FROM projectalpha.policies AS p ORDER BY id")

    def attempt(self, query, *parameters):
        """The SQLSTATE of what is refused, clearly; None if it is done."""
        try:
            self.db.execute(query, parameters)
            return None
        except psycopg.Error as error:
            told = error.diag
            assert told.sqlstate in CLEAR, (told.sqlstate, told.message_primary, str(parameters)[:2000])
            assert told.message_primary and len(told.message_primary) < 1000 and told.message_hint, (told.message_primary[:2000], told.message_hint)
            return told.sqlstate

    def use(self):
        """The policies at hand decide, one way or the other, and are explained."""
        for token in (self.own, self.agents, None):
            for payload in (None, {"n": 5, "s": "abc", "b": True, "f": 1.5, "j": {"a": [1, 2]}, "t": "2025-01-01"}, [{}, {"n": None}]):
                context = Jsonb({} if payload is None else {"payload": payload})
                explained = value(self.db, "SELECT projectalpha.explain_access(%s, 't', 'write', %s)", token, context)
                assert value(self.db, "SELECT projectalpha.check_access(%s, 't', 'write', %s)", token, context) == explained["allowed"], (explained, self.state())
        try:
            self.db.execute("SELECT projectalpha.store_record('t', %s, '{\"n\": 5}')", [self.own])
        except psycopg.Error as error:
            assert error.sqlstate in ("42501", "53400"), error


@pytest.fixture
def tool(preloaded):
    with preloaded.new_store() as db:
        yield Tool(db)


def try_conditions(tool, conditions, must=None):
    before = tool.state()
    for effect in ("allow", "deny"):
        refused = tool.attempt("SELECT projectalpha.create_policy('t', 'tried', %s, '{*}', %s::jsonb)", effect, conditions)
        assert not must or refused is None, (conditions, refused)
        if refused is None:
            tool.use()
            # What was taken is taken again, and is what was given.
            kept = value(tool.db, "SELECT conditions::text FROM projectalpha.policies WHERE name = 'tried'")
            assert value(tool.db, "SELECT %s::jsonb = %s::jsonb", kept, conditions)
            assert tool.attempt("SELECT projectalpha.update_policy('t', 'tried', jsonb_build_object('conditions', %s::jsonb))", kept) is None
            tool.db.execute("SELECT projectalpha.delete_policy('t', 'tried')")
        assert tool.state() == before
        other = tool.attempt("SELECT projectalpha.update_policy('t', 'kept', jsonb_build_object('priority', 99, 'conditions', %s::jsonb))", conditions)
        # A document is as good for a change as it is for a new policy.
        assert (other is None) == (refused is None)
        if other is None:
            tool.db.execute("""SELECT projectalpha.update_policy('t', 'kept', '{"priority": -5, "conditions": {}}')""")
            before = tool.state()
        assert tool.state() == before


def test_random_conditions(tool):
    taken = 0
    for conditions, is_good in documents(240):
        text = json.dumps(conditions)
        try_conditions(tool, text, must=is_good)
        taken += is_good
    assert taken == 60


@pytest.mark.parametrize("text", TEXTS, ids=[text[:40] for text in TEXTS])
def test_conditions_at_the_edge(tool, text):
    try_conditions(tool, text)


def test_random_changes(tool):
    chance = random.Random(SEED + 1)
    keys = ["description", "effect", "actions", "conditions", "allowed_scopes", "priority", "is_active", "name", "id"]
    fit = [None, "allow", "deny", ["read"], ["*"], {}, ["read", "write"], 5, True, False]
    before = tool.state()
    for _ in range(300):
        changes = {chance.choice(keys): chance.choice(fit) if chance.random() < 0.5 else anything(chance) for _ in range(chance.randrange(4))}
        changes = changes if chance.random() < 0.9 else anything(chance)
        if tool.attempt("SELECT projectalpha.update_policy('t', 'kept', %s)", Jsonb(changes)) is None:
            tool.use()
            tool.db.execute("SELECT projectalpha.delete_policy('t', 'kept')")
            tool.db.execute("SELECT projectalpha.create_policy('t', 'kept', 'allow', '{*}', '{}', '{read,write}', -5)")
            before = tool.state()
        assert tool.state() == before


def test_random_arguments(tool):
    chance = random.Random(SEED + 2)
    before = tool.state()
    names = ["t", "tried", "kept", "", " ", "T", "x" * 51, "9", "a-b", None, "a;b", "\u00e9"]
    arrays = [["read"], ["*"], ["*", "read"], [], None, [None], ["no_such_action"], ["read"] * 60, ["read", "read"], ["admin"], [""]]
    for _ in range(300):
        arguments = [chance.choice(["t"] * 8 + names), chance.choice(names), chance.choice(["allow", "deny", "ALLOW", "", None]), chance.choice(arrays), chance.choice(["{}", "[]", None]),
                     chance.choice([None, *arrays]), chance.choice([0, 2**31 - 1, -(2**31), None]), chance.choice([None, "", "x", "x" * 1001, "x" * 100_000])]
        if tool.attempt("SELECT projectalpha.create_policy(%s, %s, %s, %s::text[], %s::jsonb, %s::text[], %s::integer, %s)", *arguments) is None:
            tool.use()
            tool.db.execute("SELECT projectalpha.delete_policy('t', %s)", [arguments[1]])
        assert tool.state() == before


def test_random_contexts(tool):
    chance = random.Random(SEED + 3)
    tool.db.execute("SELECT projectalpha.create_policy('t', 'all', 'allow', '{*}', %s)", [Jsonb({"fields": {"n": {"gte": 1}, "j": {"contains": {}}, "t": {"lt": "2026-01-01"}, "s": {"like": "%"}}})])
    tool.db.execute("SELECT projectalpha.create_policy('t', 'near', 'deny', '{*}', '{\"addresses\": [\"192.0.2.0/24\"], \"min_payload_bytes\": 3}')")
    keys, outcomes = ["address", "payload", "at", "Address", "", "token"], set()
    records = [{"n": 1, "s": "x", "j": {}, "t": "2025-01-01"}, {"n": "1"}, {"t": "never"}, {"j": [[]]}, [], [1], [{}], [[{}]], {"n": 10**40}, {"s": "x" * 10_000}]
    for number in range(300):
        context = {chance.choice(keys): chance.choice(records + ["192.0.2.1", "::1", "2026-01-01"]) if chance.random() < 0.7 else anything(chance) for _ in range(chance.randrange(4))}
        context = context if number % 10 else anything(chance)
        token, action = chance.choice([tool.own, tool.agents, None, "wrong", ""]), chance.choice(["read", "write", "update", "delete", "admin", "", "x" * 5000, "\u00e9", "*"])
        for function in ("check_access", "explain_access"):
            outcomes.add((function, tool.attempt(f"SELECT projectalpha.{function}(%s, 't', %s, %s)", token, action, Jsonb(context))))
    assert {("check_access", None), ("explain_access", None), ("check_access", "22023"), ("explain_access", "22023"), ("check_access", "42501")} <= outcomes
    for missing in ([None, None, "read"], [None, "t", None]):
        assert tool.attempt("SELECT projectalpha.check_access(%s, %s, %s)", *missing) == "22004"
        assert tool.attempt("SELECT projectalpha.explain_access(%s, %s, %s)", *missing) == "22004"
    assert tool.attempt("SELECT projectalpha.explain_access(%s, 't', 'read', credential_id => 1)", tool.own) == "22023"
    assert tool.attempt("SELECT projectalpha.explain_access(NULL, 't', 'read', credential_id => 999999)") == "42704"
    assert tool.attempt("SELECT projectalpha.explain_access(NULL, 'no_such_tool', 'read')") == "42704"
