"""Random policies about random calls: which decides, and whether the call may pass, compared with the rules written down naively."""

import ipaddress
import random
from datetime import datetime, timezone

import pytest
from psycopg.types.json import Jsonb

from cluster import rows, value

SEED = 20260303
ACTIONS = ["read", "write", "update", "delete", "refund"]
ROLES, PERMISSIONS = ["a", "b", "c"], ["p", "q"]
NETWORKS = ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "2001:db8::/32", "::ffff:10.2.0.0/112"]
ADDRESSES = ["10.1.2.3", "10.2.0.9", "192.0.2.7", "2001:db8::5", "198.51.100.1"]
TIMES = ["2026-01-01T00:00:00+00:00", "2026-03-29T12:00:00+00:00", "2026-07-01T08:30:00+00:00", "2026-12-31T23:59:59+00:00"]
AGENTS = [None, ([], []), (["a"], ["p"]), (["b", "c"], ["p", "q"])]  # None: the tool's own token
PAYLOADS = [None, {"n": 1}, {"n": 50, "s": "x" * 80}, [{"n": 1}, {"n": 50}], []]


def random_policy(chance, number):
    conditions = {}
    if chance.random() < 0.4:
        conditions["roles"] = chance.sample(ROLES, chance.randrange(1, 3))
    if chance.random() < 0.2:
        conditions["permissions"] = chance.sample(PERMISSIONS, chance.randrange(1, 3))
    if chance.random() < 0.3:
        conditions["addresses"] = chance.sample(NETWORKS, chance.randrange(1, 3))
    if chance.random() < 0.2:
        conditions[chance.choice(["max_payload_bytes", "min_payload_bytes"])] = chance.choice([1, 8, 60])
    if chance.random() < 0.2:
        conditions[chance.choice(["valid_from", "valid_until"])] = chance.choice(TIMES)
    if chance.random() < 0.2:
        conditions["fields"] = {"n": {"lt": 10}}
    if chance.random() < 0.2:
        conditions["time"] = {"days": chance.sample(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], 4)}
    actions = ["*"] if chance.random() < 0.3 else chance.sample(ACTIONS, chance.randrange(1, 4))
    return {"name": f"p{number}", "effect": chance.choice(["allow", "deny"]), "actions": actions, "conditions": conditions, "priority": chance.choice([-1, 0, 0, 0, 7])}


def matches(policy, call):
    action, agent, address, at, payload, size = call
    wanted, (roles, permissions) = policy["conditions"], agent or ([], [])
    address, at = ipaddress.ip_address(address), datetime.fromisoformat(at)
    records = [] if payload is None else payload if isinstance(payload, list) else [payload]
    small = [record["n"] < 10 for record in records]

    def inside(network):
        network = ipaddress.ip_network(network)
        mapped = getattr(network.network_address, "ipv4_mapped", None)
        network = ipaddress.ip_network(f"{mapped}/{network.prefixlen - 96}") if mapped else network
        return address.version == network.version and address in network

    return all([
        action in policy["actions"] or policy["actions"] == ["*"],
        "roles" not in wanted or set(roles) & set(wanted["roles"]),
        "permissions" not in wanted or (agent is not None and set(wanted["permissions"]) <= set(permissions)),
        "addresses" not in wanted or any(map(inside, wanted["addresses"])),
        size <= wanted.get("max_payload_bytes", size),
        size >= wanted.get("min_payload_bytes", size),
        "valid_from" not in wanted or at >= datetime.fromisoformat(wanted["valid_from"]),
        "valid_until" not in wanted or at < datetime.fromisoformat(wanted["valid_until"]),
        "fields" not in wanted or (records and (all(small) if policy["effect"] == "allow" else any(small))),
        "time" not in wanted or at.astimezone(timezone.utc).strftime("%a").lower() in wanted["time"]["days"],
    ])


def decide(policies, call):
    """Whether it may pass, and by which policy."""
    matching = [policy for policy in policies if matches(policy, call)]
    if not matching:
        return call[1] is None, None
    highest = max(policy["priority"] for policy in matching)
    matching = [policy for policy in matching if policy["priority"] == highest]
    decider = next((policy for policy in matching if policy["effect"] == "deny"), matching[0])
    return decider["effect"] == "allow", decider["name"]


@pytest.fixture
def tokens(store):
    fields = [{"name": "n", "type": "int"}, {"name": "s", "type": "str"}]
    own = value(store, "SELECT (projectalpha.register_tool('t', NULL, %s)).token", Jsonb(fields))
    store.execute("SELECT projectalpha.update_tool_info('t', %s)", [Jsonb({"allowed_scopes": ACTIONS})])
    store.execute("SELECT projectalpha.create_policy('t', 'grants', 'allow', %s)", [ACTIONS])
    found = [own]
    for number, (roles, permissions) in enumerate(AGENTS[1:]):
        agent = value(store, "SELECT agent_id FROM projectalpha.create_agent(%s, roles => %s, permissions => %s)", f"agent {number}", roles, permissions)
        found.append(value(store, "SELECT projectalpha.issue_credential(%s, 't', %s, '1 day')", agent, ACTIONS))
    store.execute("SELECT projectalpha.delete_policy('t', 'grants')")
    return found


def test_random_policies(store, tokens):
    chance, seen = random.Random(SEED), set()
    sizes = [0 if payload is None else value(store, "SELECT length(%s::jsonb::text)", Jsonb(payload)) for payload in PAYLOADS]
    for _ in range(150):
        policies = [random_policy(chance, number) for number in range(chance.choice([0, 1, 3, 8]))]
        store.execute("SELECT projectalpha.delete_policy('t', name) FROM projectalpha.policies")
        for p in policies:
            store.execute("SELECT projectalpha.create_policy('t', %s, %s, %s, %s, priority => %s)", [p["name"], p["effect"], p["actions"], Jsonb(p["conditions"]), p["priority"]])
        names = dict(rows(store, "SELECT id, name FROM projectalpha.policies"))
        for _ in range(12):
            who, which = chance.randrange(len(AGENTS)), chance.randrange(len(PAYLOADS))
            action, address, at, payload = chance.choice(ACTIONS), chance.choice(ADDRESSES), chance.choice(TIMES), PAYLOADS[which]
            # The changes of a record are no list.
            if action == "update" and isinstance(payload, list):
                continue
            expected = decide(policies, (action, AGENTS[who], address, at, payload, sizes[which]))
            context = {"address": address, "at": at} | ({} if payload is None else {"payload": payload})
            told = value(store, "SELECT projectalpha.explain_access(%s, 't', %s, %s)", tokens[who], action, Jsonb(context))
            assert (told["allowed"], names.get(told["policy_id"])) == expected, (policies, action, AGENTS[who], context, told)
            # The question, and so the call, is about now.
            now = datetime.now(timezone.utc).isoformat()
            expected_now = decide(policies, (action, AGENTS[who], address, now, payload, sizes[which]))[0]
            del context["at"]
            assert value(store, "SELECT projectalpha.check_access(%s, 't', %s, %s)", tokens[who], action, Jsonb(context)) == expected_now, (policies, context)
            seen.add((expected, AGENTS[who] is None))
    assert len(seen) > 20
