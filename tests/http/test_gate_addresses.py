"""Policies about addresses go by where the call comes from, whatever the client says of that, through either proxy."""

import http.client
import json

import psycopg
import pytest

from gate_world import EVERY_SCOPE, Caller, CALLS, add_policy, issue, new_agent, register
from stack import Stack

INSIDE = "127.0.0.2"
FORGERIES = [
    [("X-Client-Address", INSIDE)],
    [("x-client-address", INSIDE), ("X-CLIENT-ADDRESS", INSIDE)],
    [("X-Client-Address", INSIDE), ("Connection", "X-Client-Address")],
    [("X_Client_Address", INSIDE)],
    [("X-Forwarded-For", INSIDE), ("Forwarded", f"for={INSIDE}"), ("X-Real-Ip", INSIDE)],
    [("X-Client-Address", "")],
    [("Connection", "X-Client-Address")],
]


@pytest.fixture(scope="module", params=["caddy", "nginx"])
def fenced(request):
    """A stack with a tool that is used from one address alone, by whoever it is."""
    with Stack(proxy=request.param) as stack:
        tool, own = register(stack, "fenced")
        add_policy(stack, tool, "inside", "allow", ["*"], {"addresses": [INSIDE]}, EVERY_SCOPE)
        add_policy(stack, tool, "outside", "deny", ["*"], priority=-1)
        yield stack, tool, {"own": own, "none": None, "agent": issue(stack, new_agent(stack)[0], tool, ["read", "write"])}


def status(stack, source, method, path, headers, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", stack.http_port, timeout=30, source_address=(source, 0))
    try:
        connection.putrequest(method, path)
        content = None if body is None else json.dumps(body).encode()
        for name, value in [*headers, *([] if content is None else [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])]:
            connection.putheader(name, value)
        connection.endheaders(content)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def calls(tool, token):
    header = [] if token is None else [("token", token)]
    yield "GET", f"/tools/{tool}", header, None
    yield "POST", "/rpc/count_records", [], {"tool_name": tool, "token": token}
    if token:
        yield "POST", f"/tools/{tool}", header, {"n": None}
        yield "POST", "/rpc/store_record", [], {"tool_name": tool, "token": token, "payload": {}}


@pytest.mark.parametrize("who", ["own", "none", "agent"])
def test_the_address_of_the_connection_counts(fenced, who):
    stack, tool, tokens = fenced
    for method, path, headers, body in calls(tool, tokens[who]):
        assert status(stack, INSIDE, method, path, headers, body) == 200
        for forged in [[], *FORGERIES]:
            for outside in ("127.0.0.1", "127.0.0.3"):
                assert status(stack, outside, method, path, [*headers, *forged], body) == 403, (path, forged)
        # And nobody talks himself out.
        assert status(stack, INSIDE, method, path, [*headers, ("X-Client-Address", "192.0.2.1"), ("X-Forwarded-For", "192.0.2.1")], body) == 200


def test_nobody_sets_it_in_a_session_of_his_own(fenced):
    """request.headers is a setting of anybody's; PostgREST's sessions alone are believed."""
    stack, tool, tokens = fenced
    caller = Caller(stack)
    assert caller.sql(CALLS["list"], tool, tokens["agent"]).sqlstate == "42501"
    caller.db.execute("SELECT set_config('request.headers', %s, false)", [json.dumps({"x-client-address": INSIDE})])
    assert caller.sql(CALLS["list"], tool, tokens["agent"]).sqlstate == "42501"
    # What an application says of its users is believed of whoever has a token.
    assert caller.check(tool, tokens["agent"], "read", {"address": INSIDE})
    assert not caller.check(tool, None, "read", {"address": INSIDE}) and not caller.check(tool, "wrong-token", "read", {"address": INSIDE})
    assert not caller.check(tool, tokens["agent"], "read")


def test_rates_by_address_are_not_shared_with_a_forged_one(fenced):
    stack, tool, _ = fenced
    name, own = register(stack, "slow")
    add_policy(stack, name, "slowly", "allow", ["*"], {"rate": {"max": 3, "per": "1 hour", "by": "address"}})
    for source in ("127.0.0.5", "127.0.0.6"):
        told = [status(stack, source, "GET", f"/tools/{name}", [("X-Client-Address", f"192.0.2.{i}"), ("X-Forwarded-For", f"192.0.2.{i}")]) for i in range(4)]
        assert told == [200, 200, 200, 429]
        # The same at PostgREST's own URLs, in the same count.
        answer = stack.post("/rpc/count_records", {"tool_name": name, "token": own})
        assert answer.status == 200
    told = [stack.post("/rpc/count_records", {"tool_name": name, "token": own}) for _ in range(4)]
    assert [answer.status for answer in told] == [200, 429, 429, 429]
    assert told[-1].json()["code"] == "53400" and 1 <= int(told[-1].header("retry-after")[0]) <= 3600


def test_a_session_without_an_address_is_in_no_network(fenced):
    stack, tool, tokens = fenced
    name, own = register(stack, "socket")
    add_policy(stack, name, "anywhere", "allow", ["*"], {"addresses": ["0.0.0.0/0", "::/0"]}, EVERY_SCOPE)
    token = issue(stack, new_agent(stack)[0], name, ["read"])
    caller = Caller(stack)
    assert caller.sql(CALLS["list"], name, token).sqlstate is None
    with psycopg.connect(host=str(stack.home / "run"), port=stack.pg_port, dbname="projectalpha", user="postgres", autocommit=True) as db:
        assert caller.sql(CALLS["list"], name, token, db=db).sqlstate == "42501"
        assert caller.sql(CALLS["list"], name, own, db=db).sqlstate is None
