"""Single calls in SQL, by the CPU time of the backend: storing a record, reading a page."""

import json
from pathlib import Path

from database import THREE_VALUES, literal, loop
from measure import CALL, RECORD, Backend, at_least, at_most, compare, rotate


def noise(bench):
    """What the machine makes of a ratio that is 1: the same INSERT against itself."""
    tool = bench.tool("noise")
    one, other = store_series(bench, tool, {"one": tool.insert, "other": tool.insert})
    yield compare("noise", "the static INSERT (machine noise)", "itself", RECORD, one, other)


def store(bench):
    """The direct way into a plain table."""
    tool = bench.tool("plain")
    ours, plain = store_series(bench, tool, {"ours": tool.store, "plain": tool.insert})
    yield compare("store", "store_record, 3 fields", "static INSERT", RECORD, ours, plain,
                  at_most(1.1), at_most(0.95))


# What an administrator does to a table, after which it is not a plain one. {table} is the tool's, and then its twin.
MORE_THAN_PLAIN = {
    "a CHECK": "alter table {table} add check (rating < 1000000)",
    "a column with a default": "alter table {table} add column source text not null default 'app'",
    "a foreign key": "alter table {table} add foreign key (user_id) references twins.users",
    "a trigger before each row": "create trigger before before insert on {table} for each row execute function twins.keep()",
    "an integer column": "alter table {table} alter column rating type integer",
    "a trigger after each statement": "create trigger after after insert on {table} execute function twins.keep()",
    "a transition table": "create trigger after after insert on {table} referencing new table as added execute function twins.keep()",
    "a column of a domain": "alter table {table} alter column rating type twins.small",
    "triggers of rows and of added rows": "create trigger rows after insert on {table} for each row execute function twins.keep(); "
        "create trigger added after insert on {table} referencing new table as added execute function twins.keep()",
    # Takes a plan.
    "a rule that also writes elsewhere, by kept plan": "create rule also as on insert to {table} do also insert into twins.also values (new.rating)",
}


def plan(bench):
    """Tables that are more than plain: both have the same."""
    bench.stack.sql("create schema if not exists twins")
    bench.stack.sql("create table twins.users (id bigint primary key)")
    bench.stack.sql("insert into twins.users values (%s)", THREE_VALUES["user_id"])
    bench.stack.sql("create function twins.keep() returns trigger language plpgsql as $$ begin return new; end $$")
    bench.stack.sql("create domain twins.small as bigint check (value < 1000000)")
    bench.stack.sql("create table twins.also (rating bigint)")
    bench.stack.sql("create function twins.same(bigint) returns bigint language plpgsql as $$ begin return $1; end $$")
    bench.stack.sql("grant usage on schema twins to projectalpha_owner")
    bench.stack.sql("grant insert on twins.also to projectalpha_owner")
    for number, (what, ddl) in enumerate(MORE_THAN_PLAIN.items()):
        tool = bench.tool(f"special_{number}")
        for table in (tool.table, tool.twin):
            bench.stack.sql(ddl.format(table=table))
        ours, plain = store_series(bench, tool, {"ours": tool.store, "plain": tool.insert})
        yield compare("plan", f"store_record, 3 fields, table with {what}", "static INSERT", RECORD, ours, plain,
                      at_most(1.5))
    yield pinned_plan(bench)


def pinned_plan(bench):
    """A rule that calls a function, which must not find anything by the caller's search_path. Beside it is the INSERT in a
    function that sees to that; the INSERT alone does not."""
    tool = bench.tool("pinned")
    for table in (tool.table, tool.twin):
        bench.stack.sql(f"create rule also as on insert to {table} do also insert into twins.also values (twins.same(new.rating))")
    bench.stack.sql(f"create function twins.pinned() returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp "
                    f"as $$ declare n bigint; begin {tool.insert} return n; end $$")
    ours, theirs = store_series(bench, tool, {"ours": tool.store, "theirs": "n := twins.pinned();"})
    return compare("plan", "store_record, 3 fields, table with a rule that calls a function, by kept plan",
                   "static INSERT in a function with SET search_path", RECORD, ours, theirs, at_most(1.5))


def dba(bench):
    """What one would have written without this extension."""
    tool = bench.tool("dba")
    with Backend(bench.stack.dsn) as backend:
        backend.execute((Path(__file__).parent / "good_dba.sql").read_text())
        backend.execute("SELECT good_dba.register_tool(%s, %s, %s)", (tool.name, tool.token, tool.schema))
    theirs = tool.store.replace("projectalpha.", "good_dba.")
    ours, theirs = store_series(bench, tool, {"ours": tool.store, "theirs": theirs}, 5_000)
    yield compare("dba", "store_record, 3 fields: times less CPU", "PL/pgSQL a good DBA writes", RECORD, ours, theirs,
                  at_least(3), at_least(5), inverse=True)


def page(bench):
    """A page of a table, the first one."""
    tool = bench.tool("hundred_thousand")
    fill(bench, tool, 100_000)
    yield list_row(bench, "list", "list_records, 20 of 100,000", tool, 1_000)


def keyset(bench):
    """A page far into a table. With `offset` its cost would grow with the depth."""
    tool = bench.tool("million")
    fill(bench, tool, 1_000_000)
    pages = {"deep": tool.list(after_id=999_000), "first": tool.list()}
    deep, first = list_series(bench, pages, 2_000)
    yield compare("keyset", "list_records, 20 after 999,000 of 1,000,000", "the first 20", CALL, deep, first,
                  at_most(1.1), at_most(1.0))


def wide(bench):
    """Tools with many fields, and with a large one."""
    samples = {"int": 123456789, "str": "some words of text", "bool": True, "float": 42.5,
               "json": {"tags": ["a", "b"], "n": 1}, "timestamp": "2026-02-05T10:30:00.123456+00:00"}
    kinds = list(samples)
    fields = {f"field_{number}": kinds[number % len(kinds)] for number in range(1, 51)}
    yield from wide_rows(bench, "50 fields", "fifty", fields,
                         {name: samples[kind] for name, kind in fields.items()}, 2_000, 10_000)

    items = [{"n": n, "name": f"item {n * 7919 % 1000}", "price": n * 31 % 977 / 4} for n in range(2_060)]
    document = {"items": items}
    yield from wide_rows(bench, f"a json field of {len(json.dumps(document)) // 1000} KB", "large",
                         {"document": "json"}, {"document": document}, 50, 100)


def wide_rows(bench, what, name, fields, values, count, rows):
    tool = bench.tool(name, fields, values)
    ours, plain = store_series(bench, tool, {"ours": tool.store, "plain": tool.insert}, count)
    yield compare("wide", f"store_record, {what}", "static INSERT", RECORD, ours, plain, at_most(1.1), at_most(0.95))
    fill(bench, tool, rows)
    yield list_row(bench, "wide", f"list_records, 20 of {rows:,} with {what}", tool, max(count // 10, 10))


def store_series(bench, tool, statements, count=20_000):
    """CPU per record of each statement, in a loop in one transaction, into tables that start empty."""
    blocks = {name: loop(statement, count, tool.values) for name, statement in statements.items()}
    with Backend(bench.stack.dsn) as backend:
        def measure(block):
            cpu = backend.cpu_us_each(block, count)
            stored = backend.execute(f"SELECT (SELECT count(*) FROM {tool.table}) + (SELECT count(*) FROM {tool.twin})")
            if stored.fetchone()[0] != count:
                raise RuntimeError(f"not every record was stored by {block[:500]}")
            return cpu

        measures = {name: lambda block=block: measure(block) for name, block in blocks.items()}
        return rotate(2 * bench.rounds, measures, lambda: backend.execute(tool.truncate())).values()


def list_series(bench, queries, count):
    """CPU per call of each query, kept as a plan by the loop around it."""
    blocks = {name: loop(query.replace("SELECT", "PERFORM", 1) + ";", count) for name, query in queries.items()}
    with Backend(bench.stack.dsn) as backend:
        measures = {name: lambda block=block: backend.cpu_us_each(block, count) for name, block in blocks.items()}
        return rotate(2 * bench.rounds, measures).values()


def list_row(bench, case, work, tool, count):
    queries = {"ours": tool.list(), "plain": tool.select()}
    ours, plain = (bench.stack.sql(f"SELECT x::text FROM ({query}) AS q(x)") for query in queries.values())
    if ours != plain or len(ours) != 20:
        raise RuntimeError(f"list_records and the SELECT differ: {ours[:1]} {plain[:1]}"[:1000])
    ours, plain = list_series(bench, queries, count)
    return compare(case, work, "SELECT row_to_json(...), same bytes", CALL, ours, plain, at_most(1.2), at_most(1.0))


def fill(bench, tool, rows):
    """Copies of the same record, by the fastest way there is: straight into the table. `created_at` has six digits and
    no zero at the end: PostgreSQL would leave it out, list_records does not, and both shall give the same bytes."""
    bench.say(f"filling {tool.table} with {rows:,} records")
    values = ", ".join(literal(value, tool.fields[name]) for name, value in tool.values.items())
    bench.stack.sql(tool.truncate())
    bench.stack.sql(f"insert into {tool.table} (created_at, {', '.join(tool.values)}) "
                    f"select '2026-02-05 10:30:00.123456+00', {values} from generate_series(1, {rows})")
    bench.stack.sql(f"vacuum (analyze, freeze) {tool.table}")


CASES = {"noise": noise, "store": store, "plan": plan, "dba": dba, "list": page, "keyset": keyset, "wide": wide}
