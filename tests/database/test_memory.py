"""A backend does not grow with the calls that it serves, well or ill."""

import re
import time

import psycopg
import pytest

from cluster import value

MEGABYTE = 1 << 20
SETUP = """
    SELECT projectalpha.register_tool('survey', 'survey-token-001',
        '[{"name": "n", "type": "int"}, {"name": "s", "type": "str"}, {"name": "j", "type": "json"}]', sensitive => true);
    CREATE UNIQUE INDEX ON projectalpha_data.tool_survey (n);
    SELECT projectalpha.store_record('survey', 'survey-token-001', '{"n": 1}');
"""
# Each fails, for another reason each.
FAILING = [
    "SELECT projectalpha.store_record('no_such_tool', 'survey-token-001', '{}')",
    "SELECT projectalpha.store_record('survey', 'wrong-token-' || i, '{}')",
    "SELECT projectalpha.store_record('survey', 'survey-token-001', jsonb_build_object('n', repeat('x', 1000)))",
    "SELECT projectalpha.store_record('survey', 'survey-token-001', '[]')",
    "SELECT projectalpha.list_records('survey', token => 'wrong-token-' || i)",
    "SELECT projectalpha.list_records('survey', -1, token => 'survey-token-001')",
    "SELECT projectalpha.store_common('small', '{}', true, 'wrong-token-' || i)",
    "SELECT projectalpha.register_tool('survey', 'token-' || i, admin_token => 'wrong-token')",
    "SELECT projectalpha.store_records('survey', 'survey-token-001', '[{\"n\": 2}, {\"n\": \"x\"}]')",
    "SELECT projectalpha_http.store_record('not JSON')",
]
# These get as far as the table, and are more expensive.
FAILING_LATE = [
    "SELECT projectalpha.store_record('survey', 'survey-token-001', '{\"n\": 1}')",
    "SELECT projectalpha.store_records('survey', 'survey-token-001', '[{\"n\": 2}, {\"n\": 1}]')",
    "SELECT projectalpha.register_tool('survey', 'survey-token-001')",
    "SELECT projectalpha.delete_tool('no_such_tool')",
]
WORKING = [
    "SELECT projectalpha.store_record('survey', 'survey-token-001', jsonb_build_object('s', i || repeat('x', 5000), 'j', '[1]'::jsonb))",
    "SELECT count(*) FROM projectalpha.list_records('survey', 20, i % 100, 'survey-token-001')",
    "SELECT projectalpha.store_common('small', jsonb_build_object('i', i))",
    "SELECT count(*) FROM projectalpha.list_common('small', 20)",
    "SELECT projectalpha.store_records('survey', 'survey-token-001', '[{\"s\": \"a\"}, {\"s\": \"b\"}]')",
    "SELECT projectalpha_http.list_records('')",
]
# Filters, orders and cursors, of more shapes than plans are kept for.
SEARCHING = [
    "SELECT count(*) FROM projectalpha.list_records('survey', 5, token => 'survey-token-001', filter => jsonb_build_object('n', jsonb_build_object('gte', i), 's', NULL))",
    "SELECT projectalpha.count_records('survey', (SELECT jsonb_build_object('j', jsonb_object_agg(o, '[1]'::jsonb), 'id', jsonb_build_object('in', array[i, 1])) FROM unnest('{eq,ne,contains}'::text[]) WITH ORDINALITY AS u (o, n) WHERE (i / 10 % 7 + 1) & (1 << n::int - 1) <> 0), 'survey-token-001')",
    "SELECT count(*) FROM projectalpha.list_records('survey', 5, token => 'survey-token-001', order_by => split_part('n,-n,s,-s,id,-id,created_at,-created_at', ',', i / 10 % 8 + 1))",
    "SELECT count(*) FROM projectalpha.list_records('survey', 5, token => 'survey-token-001', order_by => 'n', after => projectalpha.page_cursor(json_build_object('id', i, 'n', nullif(i % 20, 3)), 'n'))",
    "SELECT set_config('request.headers', '{\"x-uri\": \"/tools/survey/records:count?j.eq=%22%5Cu0000%22\", \"token\": \"survey-token-001\"}', true), projectalpha_http.count_records('')",
    # These fail.
    "SELECT projectalpha.count_records('survey', jsonb_build_object('field_' || i, 1), 'survey-token-001')",
    "SELECT projectalpha.count_records('survey', '{\"n\": {\"gt\": \"x\"}}', 'survey-token-001')",
    "SELECT projectalpha.list_records('survey', token => 'survey-token-001', order_by => 'j')",
    "SELECT projectalpha.list_records('survey', token => 'survey-token-001', after => repeat('A', 1000))",
    "SELECT projectalpha.page_cursor('[]')",
]


@pytest.fixture
def backend(cluster, store):
    """A session of its own on a database with a tool."""
    store.execute(SETUP)
    with cluster.another(store) as session:
        yield session


@pytest.fixture
def low(cluster, backend):
    """The same, of a role without rights of its own but to look at its memory."""
    with cluster.connect("postgres") as server:
        server.execute("DROP ROLE IF EXISTS regress_low")
        server.execute("CREATE ROLE regress_low IN ROLE projectalpha_anon, pg_read_all_stats")
    backend.execute("SET SESSION AUTHORIZATION regress_low")
    yield backend
    backend.execute("RESET SESSION AUTHORIZATION")


def contexts(session):
    return int(value(session, "SELECT sum(total_bytes) FROM pg_backend_memory_contexts"))


def resident(session):
    with open(f"/proc/{session.info.backend_pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


def many(session, statements, calls):
    """That many calls in one DO block, each in a block of its own; the growth of its memory from the first tenth to the end."""
    cases = "\n".join(f"WHEN {number} THEN PERFORM {statement.removeprefix('SELECT ')};" for number, statement in enumerate(statements))
    session.execute(f"""
        DO $$
        DECLARE
            early bigint; late bigint; failed int := 0;
        BEGIN
            FOR i IN 1 .. {calls} LOOP
                BEGIN
                    CASE i % {len(statements)} {cases} END CASE;
                EXCEPTION WHEN OTHERS THEN
                    failed := failed + 1;
                END;
                IF i = {calls // 10} THEN
                    SELECT sum(total_bytes) INTO early FROM pg_backend_memory_contexts;
                END IF;
            END LOOP;
            SELECT sum(total_bytes) INTO late FROM pg_backend_memory_contexts;
            PERFORM set_config('test.failed', failed::text, false), set_config('test.growth', (late - early)::text, false);
        END
        $$""")
    return int(value(session, "SHOW test.failed")), int(value(session, "SHOW test.growth"))


def grows_in_one_transaction(session, statements, calls):
    """Makes the calls, checks that the session is no larger for it afterwards; gives the calls that failed and its growth meanwhile."""
    many(session, statements, calls // 20)  # what is kept for the session is there now
    before = contexts(session), resident(session)
    failed, growth = many(session, statements, calls)
    assert contexts(session) - before[0] < MEGABYTE
    assert resident(session) - before[1] < 24 * MEGABYTE
    return failed, growth


def test_a_hundred_thousand_failures_in_one_transaction(low):
    failed, growth = grows_in_one_transaction(low, FAILING, 100_000)
    assert failed == 90_000  # the HTTP endpoint answers
    assert growth < MEGABYTE


def test_failures_of_the_table_and_of_administrators_in_one_transaction(backend):
    failed, growth = grows_in_one_transaction(backend, FAILING_LATE, 20_000)
    assert failed == 20_000
    # PostgreSQL keeps some 600 bytes for each subtransaction that has invalidated something, until the transaction ends.
    assert growth < 20_000 * 1000


def test_calls_that_work_in_one_transaction(backend):
    failed, growth = grows_in_one_transaction(backend, WORKING, 6_000)
    assert failed == 0
    assert growth < MEGABYTE


def test_searches_in_one_transaction(backend):
    failed, growth = grows_in_one_transaction(backend, SEARCHING, 20_000)
    assert failed == 10_000
    assert growth < MEGABYTE


@pytest.mark.parametrize("statements, calls", [(FAILING, 10_000), (FAILING_LATE, 2_000), (WORKING, 3_000)], ids=["failing", "failing late", "working"])
def test_one_by_one(backend, statements, calls):
    failed = 0

    def call(number):
        nonlocal failed
        try:
            backend.execute(re.sub(r"\bi\b(?!')", str(number), statements[number % len(statements)]).encode())
        except psycopg.Error:
            failed += 1

    for number in range(calls // 10):
        call(number)
    before = contexts(backend), resident(backend)
    for number in range(calls // 10, calls):
        call(number)
    assert contexts(backend) - before[0] < MEGABYTE
    assert resident(backend) - before[1] < 24 * MEGABYTE
    assert failed == 0 if statements is WORKING else failed > calls * 0.7


def test_many_tools_fill_no_more_than_the_cache(store, backend):
    """More tools than the cache holds, and tools registered, used and deleted again."""
    for number in range(120):
        store.execute("SELECT projectalpha.register_tool(%s, 'survey-token-001', '[{\"name\": \"n\", \"type\": \"int\"}]')", [f"tool_{number}"])
    backend.execute("SET projectalpha_store.cache_size = 10")

    def use_all():
        for number in range(120):
            backend.execute("SELECT projectalpha.store_record(%s, 'survey-token-001', '{\"n\": 1}')", [f"tool_{number}"])
            backend.execute("SELECT count(*) FROM projectalpha.list_records(%s)", [f"tool_{number}"])

    use_all()
    before = contexts(backend)
    for _ in range(5):
        use_all()
    assert contexts(backend) - before < MEGABYTE
    backend.execute("SET projectalpha_store.cache_size = 1")


def test_registering_and_deleting_over_and_over(backend):
    def life():
        backend.execute("SELECT projectalpha.register_tool('brief', 'survey-token-001', '[{\"name\": \"n\", \"type\": \"int\"}]')")
        backend.execute("SELECT projectalpha.store_record('brief', 'survey-token-001', '{\"n\": 1}')")
        backend.execute("SELECT count(*) FROM projectalpha.list_records('brief')")
        backend.execute("SELECT projectalpha.delete_tool('brief')")

    def growth():
        before = contexts(backend)
        for _ in range(150):
            life()
        return contexts(backend) - before

    for _ in range(50):
        life()
    # PostgreSQL's own caches get a block of a megabyte now and then; what leaks does so every time.
    assert min(growth() for _ in range(3)) < MEGABYTE / 4


def test_a_long_list_spills_and_goes(backend):
    """10,000 rows of 5 kB are more than work_mem: they go to disk, not into the backend."""
    backend.execute("SELECT projectalpha.store_records('survey', 'survey-token-001', (SELECT jsonb_agg(jsonb_build_object('s', repeat('x', 5000))) FROM generate_series(1, 10000)))")
    backend.execute("SET work_mem = '1MB'")
    query = "SELECT count(*), sum(length(r->>'s')) FROM projectalpha.list_records('survey', 10000, token => 'survey-token-001') AS r"
    backend.execute(query)
    before, start = (contexts(backend), resident(backend)), time.monotonic()
    while time.monotonic() - start < 3:
        backend.execute(query)
    assert contexts(backend) - before[0] < MEGABYTE
    assert resident(backend) - before[1] < 24 * MEGABYTE
