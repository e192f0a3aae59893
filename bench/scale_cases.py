"""Many tools and many tenants: the price of a hot one among 10,000 and among 1,000, and the memory of a session that uses
1,000 tools."""

import time
from pathlib import Path

from database import THREE_FIELDS, THREE_VALUES, Tool, loop
from measure import RECORD, Backend, at_most, compare, rotate

MANY = 10_000
REGISTER = """
DO $$
BEGIN
    FOR i IN 1..{count} LOOP
        PERFORM projectalpha.register_tool('tool_' || i, 'token-of-tool_' || i, '{schema}');
        -- A transaction cannot hold the locks of all those tables.
        IF i % 500 = 0 THEN COMMIT; END IF;
    END LOOP;
END
$$"""
HOT = Tool("tool_5", "token-of-tool_5", THREE_FIELDS, THREE_VALUES)


def tools(bench):
    """The same tool in two databases: among 10 and among 10,000."""
    few, many = database(bench, "few", 10), many_tools(bench)
    series = rotate(2 * bench.rounds, {"many": lambda: warm_cpu(many), "few": lambda: warm_cpu(few)})
    yield compare("tools", "store_record, one hot tool among 10,000", "the same among 10", RECORD,
                  series["many"], series["few"], at_most(1.05), at_most(1.0), note=bench.registration)


def warm_cpu(dsn, count=20_000):
    """A new session each time: where its memory happens to lie should not decide."""
    with Backend(dsn) as backend:
        backend.execute(loop(HOT.store, 1_000, HOT.values))
        cpu = backend.cpu_us_each(loop(HOT.store, count, HOT.values), count)
        backend.execute(f"TRUNCATE {HOT.table}")
        return cpu


def memory(bench):
    """More tools than the session's cache holds, used in turn. PostgreSQL's own caches grow in the first round."""
    store_all = """
        DO $$
        BEGIN
            FOR i IN 1..1000 LOOP
                PERFORM projectalpha.store_record('tool_' || i, 'token-of-tool_' || i,
                    '{"user_id": 42, "feedback": "Great product!", "rating": 5}');
                -- Or the table of locks overflows.
                IF i % 100 = 0 THEN COMMIT; END IF;
            END LOOP;
        END
        $$"""
    sizes = []
    with Backend(many_tools(bench)) as backend:
        backend.execute("SET projectalpha_store.cache_size = 256")
        # Once through all of the WAL's buffers: shared memory counts as resident when a process first touches it.
        backend.execute("SELECT pg_logical_emit_message(false, 'bench', repeat('x', 16 << 20))")
        for _ in range(6):
            backend.execute(store_all)
            contexts = backend.execute("SELECT sum(total_bytes) FROM pg_backend_memory_contexts").fetchone()[0]
            sizes.append((float(contexts) / 2**20, resident(backend.pid, "RssAnon"), resident(backend.pid, "VmRSS")))
    note = "MB after each round (memory contexts, private, resident): " + "; ".join(
        "/".join(f"{size:.1f}" for size in round_) for round_ in sizes)
    for index, what in enumerate(["memory contexts", "private memory", "resident memory"]):
        yield compare("memory", f"1,000 tools in turn, {what} after round 6", "the same after round 2", "MB",
                      [sizes[5][index]], [sizes[1][index]], at_most(1.01), at_most(1.0),
                      note=note if index == 0 else "")


TENANTS = 1_000
MAKE_TENANTS = """
DO $$
DECLARE project bigint;
BEGIN
    PERFORM projectalpha.register_tool('tool_5', 'token-of-tool_5', '{schema}');
    FOR i IN 1..{count} LOOP
        project := projectalpha.create_project('project ' || i);
        PERFORM projectalpha.enable_tool('tool_5', project, 'token-of-project_' || project);
        IF i % 20 = 0 THEN COMMIT; END IF;
    END LOOP;
END
$$"""


def tenants(bench):
    """One tool that 1,000 projects have: the table of one of them beside the shared table, and all of them in turn."""
    bench.say(f"making {TENANTS:,} projects with the tool")
    started = time.monotonic()
    bench.stack.sql("create database tenants")
    dsn = bench.stack.dsn.replace("dbname=projectalpha", "dbname=tenants")
    with Backend(dsn, synchronous_commit="off") as backend:
        backend.execute("CREATE EXTENSION projectalpha_store")
        backend.execute(MAKE_TENANTS.format(count=TENANTS, schema=HOT.schema))
        backend.execute("VACUUM ANALYZE")
    seconds = time.monotonic() - started
    note = f"making {TENANTS:,} projects with the tool took {seconds:.0f} s, {seconds / TENANTS * 1000:.1f} ms each"
    bench.say(note)

    def stored(token, count=20_000):
        """A new session each time, as above."""
        store = f"n := projectalpha.store_record('{HOT.name}', {token}, payload);"
        with Backend(dsn) as backend:
            backend.execute("SET projectalpha_store.cache_size = 2000")
            backend.execute(loop(store, TENANTS, HOT.values))
            return backend.cpu_us_each(loop(store, count, HOT.values), count)

    series = rotate(2 * bench.rounds, {
        "one": lambda: stored("'token-of-project_500'"),
        "shared": lambda: stored(f"'{HOT.token}'"),
        "all": lambda: stored(f"'token-of-project_' || 1 + i % {TENANTS}"),
    })
    yield compare("tenants", "store_record, one hot tenant of 1,000", "the tool's shared table", RECORD,
                  series["one"], series["shared"], at_most(1.05), at_most(1.0), note=note)
    yield compare("tenants", "store_record, 1,000 tenants in turn, all kept", "one hot tenant", RECORD,
                  series["all"], series["one"])


def resident(pid, which):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(which + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {which} in the status of the process")


def many_tools(bench):
    """The connection string of the database with 10,000 tools, made at first use."""
    if not hasattr(bench, "many"):
        bench.say(f"registering {MANY:,} tools")
        started = time.monotonic()
        bench.many = database(bench, "many", MANY)
        seconds = time.monotonic() - started
        bench.registration = f"registering {MANY:,} tools took {seconds:.0f} s, {seconds / MANY * 1000:.1f} ms each"
        bench.say(bench.registration)
    return bench.many


def database(bench, name, count):
    bench.stack.sql(f"create database {name}")
    dsn = bench.stack.dsn.replace("dbname=projectalpha", f"dbname={name}")
    with Backend(dsn, synchronous_commit="off") as backend:
        backend.execute("CREATE EXTENSION projectalpha_store")
        backend.execute(REGISTER.format(count=count, schema=HOT.schema))
        backend.execute("VACUUM ANALYZE")
    return dsn


CASES = {"tools": tools, "memory": memory, "tenants": tenants}
