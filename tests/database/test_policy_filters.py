"""A `fields` condition holds of a payload if and only if list_records() finds the record that it would be."""

import random

from psycopg.types.json import Jsonb

from cluster import rows, value

SEED = 20260202
KINDS = {"n": "int", "s": "str", "b": "bool", "f": "float", "j": "json", "t": "timestamp", "n2": "int", "s2": "str", "j2": "json", "t2": "timestamp"}
DEFAULTS = {"n2": 42, "s2": "abc", "j2": {"a": 1}, "t2": "2026-01-01T01:00:00+01:00"}  # of fields that are not named
VALUES = {
    "n": [0, 1, -1, 2**63 - 1, -(2**63), 42],
    "s": ["", "a", "A", "ab", "a%", "a_c", "abc", "a\\c", "\u00e9", "e\u0301", "z", "\U0001f600", "10", "9", "line\nbreak", "  a", "%"],
    "b": [True, False],
    "f": [0, 0.0, -0.0, 1, 1.5, -2.25, 1e300, 1e-300, 0.1, 0.30000000000000004, 0.3, 9007199254740993],
    "j": [{}, [], {"a": 1}, {"a": 1.0, "b": [1, 2]}, [1, 2, 3], ["a"], "a", 1, 1.0, True, {"a": {"b": None}}, [{"a": 1}], {"a": [{"b": 1}]}, "", 0],
    "t": ["2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2025-12-31T23:59:59.999999Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "2026-06-30T12:00:00.5-07:30"],
}
ORDERED = ["lt", "lte", "gt", "gte"]
OPERATORS = {"n": ["eq", "ne", "in", "is_null", *ORDERED], "s": ["eq", "ne", "in", "is_null", "like", *ORDERED], "b": ["eq", "ne", "in", "is_null"], "f": ["eq", "ne", "in", "is_null", *ORDERED],
             "j": ["eq", "ne", "in", "is_null", "contains"], "t": ["eq", "ne", "in", "is_null", *ORDERED]}
PATTERNS = ["%", "", "a%", "%c", "_", "a_c", "a\\_c", "a\\%", "%%b%", "\\\\", "A%", "___", "%\n%", "\u00e9", "a\\\\c"]
for of_kind in (VALUES, OPERATORS):
    of_kind |= {name: of_kind[name[0]] for name in DEFAULTS}
WHOLE = [{"a": 1}, {"a": 1.0, "b": {"c": [1, 2]}}, {}, {"a": None}, {"b": {"c": [2]}}, {"a": "1"}]


def random_filter(chance):
    fields = {}
    for field in chance.sample(sorted(KINDS), chance.choice([1, 1, 1, 2, 3])):
        conditions = {}
        for operator in chance.sample(OPERATORS[field], chance.choice([1, 1, 2])):
            pool = VALUES[field]
            conditions[operator] = (
                chance.choice([True, False]) if operator == "is_null" else chance.choice(PATTERNS) if operator == "like"
                else chance.sample(pool, chance.randrange(1, min(4, len(pool) + 1))) if operator == "in" else chance.choice(pool)
            )
        fields[field] = conditions
    return fields


def random_payload(chance):
    payload = {field: chance.choice(VALUES[field]) for field in KINDS if chance.random() < 0.65}
    return payload | {field: None for field in KINDS if chance.random() < 0.1} | ({"unknown": 1} if chance.random() < 0.2 else {})


def test_what_is_found_is_what_matches(store):
    chance = random.Random(SEED)
    own = value(store, "SELECT (projectalpha.register_tool('t', NULL, %s)).token", Jsonb([{"name": name, "type": kind, **({"default": DEFAULTS[name]} if name in DEFAULTS else {})} for name, kind in KINDS.items()]))
    payloads = [random_payload(chance) for _ in range(60)]
    for number, payload in enumerate(payloads, 1):
        assert value(store, "SELECT projectalpha.store_record('t', %s, %s)", own, Jsonb(payload)) == number
    store.execute("SELECT projectalpha.create_policy('t', 'filtered', 'deny', '{write}')")
    some, none = 0, 0
    for _ in range(300):
        fields = random_filter(chance)
        store.execute("SELECT projectalpha.update_policy('t', 'filtered', %s)", [Jsonb({"conditions": {"fields": fields}})])
        found = {number for number, in rows(store, "SELECT (r->>'id')::int FROM projectalpha.list_records('t', 100, filter => %s) AS r", Jsonb(fields))}
        asked = rows(
            store, "SELECT i, projectalpha.check_access(%s, 't', 'write', jsonb_build_object('payload', p)) FROM jsonb_array_elements(%s) WITH ORDINALITY AS a (p, i)", own, Jsonb(payloads)
        )
        denied = {number for number, allowed in asked if not allowed}
        assert denied == found, (fields, [payloads[number - 1] for number in denied ^ found])
        some, none = some + bool(found), none + (not found)
        # One of many is enough to deny, and all must meet what allows.
        everyone = value(store, "SELECT projectalpha.check_access(%s, 't', 'write', %s)", own, Jsonb({"payload": payloads}))
        assert everyone == (not found)
    assert some > 100 and none > 20


def test_the_same_of_whole_payloads(store):
    own = value(store, "SELECT (projectalpha.register_tool('t')).token")
    for number, payload in enumerate(WHOLE, 1):
        assert value(store, "SELECT projectalpha.store_record('t', %s, %s)", own, Jsonb(payload)) == number
    store.execute("SELECT projectalpha.create_policy('t', 'filtered', 'deny', '{write}')")
    for operator, wanted in [("contains", wanted) for wanted in [*WHOLE, {"b": {}}, [], 1]] + [("eq", wanted) for wanted in WHOLE] + [("ne", WHOLE[0]), ("in", WHOLE[1:3]), ("is_null", True), ("is_null", False)]:
        fields = {"data": {operator: wanted}}
        store.execute("SELECT projectalpha.update_policy('t', 'filtered', %s)", [Jsonb({"conditions": {"fields": fields}})])
        found = {number for number, in rows(store, "SELECT (r->>'id')::int FROM projectalpha.list_records('t', 100, filter => %s) AS r", Jsonb(fields))}
        denied = {number for number, payload in enumerate(WHOLE, 1) if not value(store, "SELECT projectalpha.check_access(%s, 't', 'write', %s)", own, Jsonb({"payload": payload}))}
        assert denied == found, fields
