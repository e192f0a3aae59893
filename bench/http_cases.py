"""Requests per second, by wrk: our functions against a function that does nothing, the proxies against none."""

import os
import re
import subprocess
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from measure import at_least, compare, rotate
from servers import Nginx, PostgREST

CONNECTIONS = 8
# What ours are compared with: nothing but the answer, and nothing but an INSERT. PostgREST gives a volatile function a
# transaction that may write and a stable one a transaction that may not: they are what ours are.
FUNCTION = """
CREATE FUNCTION projectalpha_http.{name}(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE plpgsql {volatility} AS $$ BEGIN {statement} RETURN '\\x{hex}'::bytea; END $$;
GRANT EXECUTE ON FUNCTION projectalpha_http.{name}(bytea) TO projectalpha_anon;
"""
STORED = b'{"message":"Data stored successfully"}'


class Request(NamedTuple):
    port: int
    method: str
    path: str
    headers: dict
    body: str


def http(bench):
    """Storing and listing through PostgREST, without a proxy and with one."""
    tool = bench.tool("http")
    bench.stack.sql(f"insert into {tool.table} (user_id, feedback, rating) select 42, 'Great product!', 5 "
                    "from generate_series(1, 100000)")
    bench.stack.sql(f"vacuum (analyze, freeze) {tool.table}")
    with ExitStack() as servers:
        page = once(proxied(bench.stack.http_port, tool, "list"))
        # Of the size of our answers, so that the way back costs the same.
        for name, volatility, statement, answer in (("constant_store", "VOLATILE", "", STORED),
                                                    ("constant_list", "STABLE", "", page),
                                                    ("insert", "VOLATILE", tool.plain_insert + ";", STORED)):
            bench.stack.sql(FUNCTION.format(name=name, volatility=volatility, statement=statement, hex=answer.hex()))
        bench.stack.sql("grant usage on schema twins to projectalpha_anon")
        bench.stack.sql(f"grant insert on {tool.twin} to projectalpha_anon")
        direct = servers.enter_context(PostgREST(bench.stack)).port
        nginx = servers.enter_context(Nginx(bench.stack)).port if Nginx.is_there() else None

        for what, commit in (("list", "on"), ("store", "off"), ("store", "on")):
            bench.configure(synchronous_commit=commit)
            yield from rows(bench, tool, what, commit, direct, nginx)
        bench.configure(synchronous_commit="on")
        bench.say("HTTP: the constant against itself")
        constant = asked_directly(direct, tool, "list", "constant_list")
        one, other = series(bench, tool, "list", {"one": constant, "other": constant}, page)
        yield compare("http", "HTTP, the constant asked directly (machine noise)", "itself", "req/s", one, other)


def rows(bench, tool, what, commit, direct, nginx):
    """Our function, what it is compared with and the proxies in one rotation."""
    condition = "20 of 100,000" if what == "list" else f"synchronous_commit {commit}"
    requests = {"constant": asked_directly(direct, tool, what, f"constant_{what}")}
    if what == "store":
        requests["insert"] = asked_directly(direct, tool, what, "insert")
    requests["direct"] = asked_directly(direct, tool, what, {"list": "list_records", "store": "store_record"}[what])
    requests["caddy"] = proxied(bench.stack.http_port, tool, what)
    if nginx:
        requests["nginx"] = proxied(nginx, tool, what)

    bench.say(f"HTTP {what}, {condition}: {', '.join(requests)}")
    measured = dict(zip(requests, series(bench, tool, what, requests, once(requests["constant"]))))
    work = f"HTTP {what}, {condition}"
    # A commit that waits for the disk is no part of an empty function: without a goal, then.
    waits = what == "store" and commit == "on"
    yield compare("http", f"{work}: PostgREST asked directly", "PostgREST, constant of an empty function", "req/s",
                  measured["direct"], measured["constant"],
                  None if waits else at_least(0.85), None if waits else at_least(0.95))
    if "insert" in measured:
        yield compare("http", f"{work}: PostgREST asked directly", "PostgREST, function with nothing but the INSERT",
                      "req/s", measured["direct"], measured["insert"])
    for proxy, called in (("caddy", "Caddy"), ("nginx", "nginx")):
        if proxy in measured:
            yield compare("http", f"{work}: through {called}", "PostgREST asked directly", "req/s",
                          measured[proxy], measured["direct"], at_least(0.7), at_least(0.9))


def series(bench, tool, what, requests, answer):
    for name, request in requests.items():
        if once(request) != answer:
            raise RuntimeError(f"{name} gives another answer than the constant: {once(request)[:200]}")

    def rate(name):
        stores = what == "store" and name != "constant"

        def measure():
            before = stored(bench, tool)
            answered, per_second = wrk(requests[name], max(1, bench.seconds // 2))
            if stores and stored(bench, tool) - before < answered:
                raise RuntimeError(f"{name} answered {answered} requests but stored fewer records")
            return per_second
        return measure

    # More and shorter rounds: the speed of the machine drifts by more than what these differ by.
    return rotate(2 * bench.rounds, {name: rate(name) for name in requests}).values()


def stored(bench, tool):
    return bench.stack.value(f"select (select count(*) from {tool.table}) + (select count(*) from {tool.twin})")


def asked_directly(port, tool, what, function):
    """The request as the proxy passes it on."""
    headers = {
        "Content-Profile": "projectalpha_http", "Content-Type": "application/octet-stream", "Accept": "*/*",
        "X-Uri": f"/tools/{tool.name}" + ("?limit=20" if what == "list" else ""), "token": tool.token,
    }
    return Request(port, "POST", f"/rpc/{function}", headers, tool.payload if what == "store" else "")


def proxied(port, tool, what):
    """The request as a client makes it."""
    if what == "list":
        return Request(port, "GET", f"/tools/{tool.name}?limit=20", {"token": tool.token}, "")
    headers = {"Content-Type": "application/json", "token": tool.token}
    return Request(port, "POST", f"/tools/{tool.name}", headers, tool.payload)


def once(request):
    """The answer, which has to be a success."""
    connection = HTTPConnection("127.0.0.1", request.port, timeout=30)
    try:
        connection.request(request.method, request.path, request.body or None, request.headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{request.method} {request.path} answers {response.status}: {body[:500]}")
        return body
    finally:
        connection.close()


def wrk(request, seconds):
    """How many requests were answered, and how many per second. Only successes count."""
    environment = os.environ | {"BENCH_METHOD": request.method}
    if request.body:
        environment["BENCH_BODY"] = request.body
    command = ["wrk", "--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds}s",
               f"--script={Path(__file__).parent / 'request.lua'}",
               *(f"--header={name}: {value}" for name, value in request.headers.items()),
               f"http://127.0.0.1:{request.port}{request.path}"]
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    result = re.search(r"^RESULT requests=(\d+) microseconds=(\d+) errors=(\d+)$", output, re.MULTILINE)
    requests, microseconds, errors = map(int, result.groups())
    if errors or not requests:
        raise RuntimeError(f"{errors} of {requests} requests to {request.path} failed")
    return requests, requests / microseconds * 1e6


CASES = {"http": http}
