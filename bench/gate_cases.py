"""The gate: what policies, rates, agents' credentials and the access log add to a call, and a token among a million."""

import time

from database import THREE_FIELDS, THREE_VALUES, Tool, loop
from measure import CALL, RECORD, Backend, compare, rotate
from scale_cases import database

# None of them decides, so that all are asked: the session's address is in none of the networks.
ALL_DAY = '{"time": {"from": "00:00", "to": "24:00", "zone": "Europe/Berlin"}, "addresses": ["203.0.113.0/24"]}'
WITHIN = '{"rate": {"max": 1000000000, "per": "1 day"}}'


def gate(bench):
    """One table for all: what differs is the tool that stands before it."""
    free, ten, rated, held = (bench.tool(f"gate_{name}") for name in ("free", "ten", "rated", "held"))
    for number in range(10):
        policy(bench, ten, f"policy_{number}", ALL_DAY)
    policy(bench, rated, "limit", WITHIN)
    policy(bench, held, "agents", '{"roles": ["writer"]}')
    agent = bench.stack.sql("select agent_id from projectalpha.create_agent('bench', roles => '{writer}')")[0][0]
    credential = bench.stack.sql("select projectalpha.issue_credential(%s, %s, '{write}', '1 day')", agent, held.name)[0][0]
    held = held._replace(token=credential)

    ours = series(bench, {"free": free, "ten": ten, "rated": rated, "held": held})
    for name, work in {"ten": "with 10 policies, all asked", "rated": "with a policy that counts a rate",
                       "held": "by an agent's credential that a policy allows"}.items():
        yield compare("gate", f"store_record, {work}", "the same without policies", RECORD, ours[name], ours["free"])


def log(bench):
    """The log costs what it keeps: a row for each call."""
    quiet, loud = bench.tool("log_denied"), bench.tool("log_all")
    bench.stack.sql("select projectalpha.configure_access_log(%s, 'all')", loud.name)
    stored = series(bench, {"loud": loud, "quiet": quiet})
    yield compare("log", "store_record, access_log = all", "access_log = denied", RECORD, stored["loud"], stored["quiet"])

    for tool in (loud, quiet):
        bench.stack.sql(f"insert into {tool.table} (user_id, feedback, rating) "
                        "select 42, 'Great product!', 5 from generate_series(1, 1000)")
    count = 2_000
    blocks = {name: loop(tool.list().replace("SELECT", "PERFORM", 1) + ";", count)
              for name, tool in {"loud": loud, "quiet": quiet}.items()}
    with Backend(bench.stack.dsn) as backend:
        listed = rotate(bench.rounds, {name: lambda block=block: backend.cpu_us_each(block, count)
                                       for name, block in blocks.items()})
    yield compare("log", "list_records, 20, access_log = all", "access_log = denied", CALL, listed["loud"], listed["quiet"])

    off = bench.tool("log_none")
    bench.stack.sql("select projectalpha.configure_access_log(%s, 'none')", off.name)
    refused = {name: f"BEGIN n := projectalpha.store_record('{tool.name}', 'wrong-token', payload); "
                     "EXCEPTION WHEN invalid_authorization_specification THEN NULL; END;"
               for name, tool in {"quiet": quiet, "off": off}.items()}
    count = 1_000
    with Backend(bench.stack.dsn) as backend:
        denied = rotate(bench.rounds, {name: lambda block=loop(statement, count, THREE_VALUES): backend.cpu_us_each(block, count)
                                       for name, statement in refused.items()})
    yield compare("log", "a wrong token, kept by the session's worker", "access_log = none", CALL, denied["quiet"], denied["off"],
                  note="the CPU of the worker itself is not in it")


TOKENS, MILLION = 5_000, 1_000_000
# Credentials as the service keeps them: digests. More of one tool than a session keeps, so that each call looks one up.
ADD_TOKENS = """
INSERT INTO projectalpha.credentials (digest, hint, scopes, tool_id)
SELECT sha256(convert_to('token-' || i, 'UTF8')), '(given)', '{read,write}', t.id
  FROM projectalpha.tools AS t CROSS JOIN generate_series(1, %s) AS i
 WHERE t.tool_name = 'tool_5'"""
ADD_OTHERS = """
INSERT INTO projectalpha.credentials (digest, hint, scopes, tool_id)
SELECT sha256(convert_to('other-' || i, 'UTF8')), '(given)', '{read,write}', 1 + i %% 4
  FROM generate_series(1, %s) AS i"""


def credentials(bench):
    """A token that the session has not kept, among 5,000 and among a million."""
    started = time.monotonic()
    dsns = {name: database(bench, f"tokens_{name}", 10) for name in ("few", "many")}
    tool = Tool("tool_5", "", THREE_FIELDS, THREE_VALUES)
    for name, dsn in dsns.items():
        with Backend(dsn, synchronous_commit="off") as backend:
            backend.execute(ADD_TOKENS, (TOKENS,))
            if name == "many":
                backend.execute(ADD_OTHERS, (MILLION,))
            backend.execute("VACUUM ANALYZE projectalpha.credentials")
    bench.say(f"making {MILLION:,} credentials took {time.monotonic() - started:.0f} s")
    store = f"n := projectalpha.store_record('{tool.name}', 'token-' || 1 + i % {TOKENS}, payload);"

    def stored(dsn):
        with Backend(dsn) as backend:
            backend.execute(loop(store, 1_000, tool.values))
            cpu = backend.cpu_us_each(loop(store, TOKENS, tool.values), TOKENS)
            backend.execute(f"TRUNCATE {tool.table}")
            return cpu

    found = rotate(bench.rounds, {name: lambda dsn=dsn: stored(dsn) for name, dsn in dsns.items()})
    yield compare("credentials", "store_record, a token looked up among 1,000,000", "among 5,000", RECORD,
                  found["many"], found["few"])


def policy(bench, tool, name, conditions):
    bench.stack.sql("select projectalpha.create_policy(%s, %s, 'allow', '{write}', %s)", tool.name, name, conditions)


def series(bench, tools, count=20_000):
    """CPU per record of each tool, in a loop in one transaction, into tables that start empty."""
    blocks = {name: loop(tool.store, count, tool.values) for name, tool in tools.items()}
    empty = "TRUNCATE " + ", ".join(tool.table for tool in tools.values())
    with Backend(bench.stack.dsn) as backend:
        measures = {name: lambda block=block: backend.cpu_us_each(block, count) for name, block in blocks.items()}
        return rotate(bench.rounds, measures, lambda: backend.execute(empty))


CASES = {"gate": gate, "log": log, "credentials": credentials}
