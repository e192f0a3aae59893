"""Rates over HTTP, through both proxies."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from stack import Stack

INT = [{"name": "n", "type": "int"}]


@pytest.fixture(scope="module", params=["caddy", "nginx"])
def limited(request):
    with Stack(proxy=request.param) as running:
        yield running


def limit(stack, rate, actions=("write",)):
    """A new tool that may be used so often."""
    tool = stack.register(INT)
    stack.sql("SELECT projectalpha.create_policy(%s, 'limit', 'allow', %s, %s)", tool.name, list(actions), json.dumps({"rate": rate}))
    return tool


def store_from(stack, source, tool, *headers):
    """The status of a POST from another address of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.http_port, timeout=30, source_address=(source, 0))
    try:
        connection.request("POST", tool.path, b"{}", {"Content-Type": "application/json", "Token": tool.token, **dict(headers)})
        return connection.getresponse().status
    finally:
        connection.close()


def test_too_many_requests(limited):
    tool = limit(limited, {"max": 3, "per": "1 hour"})
    assert [limited.store(tool, {"n": n}).status for n in range(4)] == [200, 200, 200, 429]
    answer = limited.store(tool, {"n": 5})
    assert answer.status == 429
    assert answer.json() == {"detail": "Too many requests"}
    assert answer.header("content-type") == ["application/json"]
    (wait,) = answer.header("retry-after")
    assert 1 <= int(wait) <= 3600
    # Reading is another matter.
    assert [row["n"] for row in limited.rows(tool)] == [0, 1, 2]


def test_after_that_time_it_passes(limited):
    tool = limit(limited, {"max": 2, "per": "2 seconds"})
    answers = [limited.store(tool, {}) for _ in range(3)]
    refused = [answer for answer in answers if answer.status == 429]
    assert all(1 <= int(answer.header("retry-after")[0]) <= 2 for answer in refused)
    limited.eventually(lambda: limited.store(tool, {}).status == 200)


def test_what_is_refused_for_its_content_counts_once(limited):
    """nginx asks again for an answer that it has dropped."""
    tool = limit(limited, {"max": 4, "per": "1 hour"})
    for body in ({"n": "x"}, {"n": 1.5}, {"n": True}):
        assert limited.store(tool, body).status == 400
    assert [limited.store(tool, {}).status for _ in range(2)] == [200, 429]
    # A client that says it asks again does not get through with that.
    assert limited.post(tool.path, {}, tool.auth, ("X-Asked-Again", "1")).status == 429
    arguments = {"tool_name": tool.name, "token": tool.token, "payload": {}}
    assert limited.post("/rpc/store_record", arguments, ("X-Asked-Again", "1")).status == 429


def test_each_address_is_counted_for_itself_and_nobody_chooses_his(limited):
    tool = limit(limited, {"max": 1, "per": "1 hour", "by": "address"})
    sources = ["127.0.0.1", "127.0.0.2"]
    assert [store_from(limited, source, tool) for source in sources] == [200, 200]
    for name in ("X-Client-Address", "X-Forwarded-For", "X-Real-Ip", "Forwarded"):
        assert [store_from(limited, source, tool, (name, "203.0.113.9")) for source in sources] == [429, 429]
    # Nor at PostgREST's own URL, and it is the same allowance.
    arguments = {"tool_name": tool.name, "token": tool.token, "payload": {}}
    answer = limited.post("/rpc/store_record", arguments, ("X-Client-Address", "203.0.113.9"))
    assert (answer.status, answer.json()["code"], answer.json()["message"]) == (429, "53400", "Too many requests")
    assert 1 <= int(answer.header("retry-after")[0]) <= 3600


def test_denied_at_postgrests_own_url(limited):
    tool = limited.register(INT)
    limited.sql("SELECT projectalpha.create_policy(%s, 'none', 'deny', '{write}')", tool.name)
    answer = limited.post("/rpc/store_record", {"tool_name": tool.name, "token": tool.token, "payload": {}})
    assert (answer.status, answer.json()["code"], answer.json()["message"]) == (403, "42501", "Access denied")
    assert answer.header("retry-after") == []


def test_addresses_are_matched_as_the_proxy_sees_them(limited):
    tool = limited.register(INT)
    limited.sql("SELECT projectalpha.create_policy(%s, 'elsewhere', 'deny', '{write}', '{\"addresses\": [\"127.0.0.2/32\"]}')", tool.name)
    for header in ("X-Client-Address", "X-Forwarded-For"):
        assert store_from(limited, "127.0.0.1", tool, (header, "127.0.0.2")) == 200
        assert store_from(limited, "127.0.0.2", tool, (header, "127.0.0.1")) == 403


def test_all_who_call_at_once(limited):
    tool = limit(limited, {"max": 25, "per": "1 hour"})
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda n: limited.store(tool, {"n": n}).status, range(60)))
    assert (statuses.count(200), statuses.count(429)) == (25, 35)
    assert limited.value(f"SELECT count(*) FROM projectalpha_data.tool_{tool.name}") == 25
