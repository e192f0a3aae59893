"""Single records, finding them, rules: what each costs beside the statement that one writes by hand. No goals are set for
these; the rows are there to be seen when they change."""

import json

from database import Tool, loop
from measure import CALL, RECORD, Backend, compare, rotate
from sql_cases import fill, list_series

ROWS = 100_000
RULED = [
    {"name": "user_id", "type": "int", "required": True, "min": 1},
    {"name": "feedback", "type": "str", "max_length": 100, "pattern": "^[A-Z]"},
    {"name": "rating", "type": "int", "min": 1, "max": 5, "default": 3},
]
CHECKS = ("alter table {twin} alter user_id set not null, add check (user_id >= 1), add check (length(feedback) <= 100), "
          "add check (feedback ~ '^[A-Z]'), add check (rating between 1 and 5), alter rating set default 3")


def record(bench):
    """One record: reading, changing, storing it twice with one key."""
    tool = bench.tool("single")
    fill(bench, tool, ROWS)
    # Its twin has the same rows, for statements that change them.
    bench.stack.sql(f"insert into {tool.twin} overriding system value select * from {tool.table}")
    bench.stack.sql(f"vacuum (analyze, freeze) {tool.twin}")
    columns = ", ".join(["id", "created_at", *tool.fields])
    one = f"1 + (i * 7919) % {ROWS}"
    yield versus(bench, "get_record", "SELECT row_to_json(...) by id", CALL,
                 f"PERFORM projectalpha.get_record('{tool.name}', {one});",
                 f"PERFORM row_to_json(r) FROM (SELECT {columns} FROM {tool.table} WHERE id = {one}) AS r;")
    yield versus(bench, "update_record, one field", "UPDATE ... RETURNING row_to_json(...)", CALL,
                 f"PERFORM projectalpha.update_record('{tool.name}', '{tool.token}', {one}, '{{\"rating\": 4}}');",
                 f"UPDATE {tool.twin} AS r SET rating = 4 WHERE id = {one} RETURNING row_to_json(r) INTO j;")

    keyed = bench.tool("keyed")
    bench.stack.sql("create table twins.keys (tool text, key text, digest bytea, id bigint, primary key (tool, key))")
    yield versus(bench, "store_record with an idempotency key", "INSERT of the key and of the record", RECORD,
                 f"n := projectalpha.store_record('{keyed.name}', '{keyed.token}', payload, 'key-' || clock_timestamp());",
                 f"{keyed.plain_insert} RETURNING id INTO n; INSERT INTO twins.keys VALUES "
                 "('keyed', 'key-' || clock_timestamp(), sha256(payload::text::bytea), n);", keyed.values)


def find(bench):
    """Filters, order and cursors, by an index."""
    tool = bench.tool("found")
    bench.stack.sql(f"create index on {tool.table} (rating, id)")
    bench.stack.sql(f"insert into {tool.table} (user_id, feedback, rating) "
                    f"select n, 'Great product!', n % 1000 from generate_series(1, {ROWS}) as n")
    bench.stack.sql(f"vacuum (analyze, freeze) {tool.table}")
    columns = ", ".join(["id", "created_at", *tool.fields])
    by_hand = "SELECT row_to_json(r) FROM (SELECT {columns} FROM {table} WHERE {where} ORDER BY {order} LIMIT 20) AS r"
    queries = {
        "20 of 100 by a filter": (tool.list(filter="'{\"rating\": 500}'"), "rating = 500", "id"),
        "20 by order_by and a filter": (tool.list(filter="'{\"rating\": {\"gte\": 500}}'", order_by="'rating'"),
                                        "rating >= 500", "rating, id"),
    }
    for what, (ours, where, order) in queries.items():
        plain = by_hand.format(columns=columns, table=tool.table, where=where, order=order)
        found, selected = list_series(bench, {"ours": ours, "plain": plain}, 1_000)
        yield compare("find", f"list_records, {what}", "the same SELECT by hand", CALL, found, selected)


def rules(bench):
    """A tool whose fields have rules, against a table with the same rules as constraints."""
    name = "ruled"
    tool = Tool(name, f"token-of-{name}", {"user_id": "int", "feedback": "str", "rating": "int"},
                {"user_id": 42, "feedback": "Great product!", "rating": 5})
    bench.stack.sql("select projectalpha.register_tool(%s, %s, %s)", name, tool.token, json.dumps(RULED))
    bench.stack.sql("create schema if not exists twins")
    bench.stack.sql(f"create table {tool.twin} (like {tool.table} including all)")
    bench.stack.sql(CHECKS.format(twin=tool.twin))
    yield versus(bench, "store_record, 3 fields with 6 rules", "INSERT into a table with the same as constraints", RECORD,
                 tool.store, tool.insert, tool.values)


def versus(bench, work, against, unit, ours, plain, values=None, count=5_000):
    """CPU for each of two statements of PL/pgSQL in a loop."""
    def block(statement):
        return loop(statement, count, values).replace("DECLARE n bigint;", "DECLARE n bigint; j json;")

    with Backend(bench.stack.dsn) as backend:
        measures = {name: lambda text=block(statement): backend.cpu_us_each(text, count)
                    for name, statement in {"ours": ours, "plain": plain}.items()}
        series = rotate(bench.rounds, measures)
    return compare("record", work, against, unit, series["ours"], series["plain"])


CASES = {"record": record, "find": find, "rules": rules}
