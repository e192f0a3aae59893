"""What the cases work with: the running stack, tools, and for each tool a twin, an ordinary table of the same shape."""

import json
from contextlib import contextmanager
from typing import NamedTuple

from psycopg import sql

from stack import Stack

THREE_FIELDS = {"user_id": "int", "feedback": "str", "rating": "int"}
THREE_VALUES = {"user_id": 42, "feedback": "Great product!", "rating": 5}

# Nothing shall run beside what is measured, nor fall due in the middle of it. The same for both sides of every ratio.
SETTINGS = {
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "max_wal_size": "8GB",
    "min_wal_size": "2GB",
    "timezone": "UTC",
}


class Tool(NamedTuple):
    name: str
    token: str
    fields: dict  # name: type
    values: dict  # one record

    @property
    def table(self):
        return f"projectalpha_data.tool_{self.name}"

    @property
    def twin(self):
        return f"twins.{self.name}"

    @property
    def schema(self):
        return json.dumps([{"name": name, "type": kind} for name, kind in self.fields.items()])

    @property
    def payload(self):
        return json.dumps(self.values)

    @property
    def store(self):
        """A statement of PL/pgSQL, in `loop`."""
        return f"n := projectalpha.store_record('{self.name}', '{self.token}', payload);"

    @property
    def insert(self):
        """The static INSERT of the same record into the twin, in `loop`."""
        return f"{self.plain_insert} RETURNING id INTO n;"

    @property
    def plain_insert(self):
        """Its values are constants: an INSERT can hardly do with less."""
        values = ", ".join(literal(value, self.fields[name]) for name, value in self.values.items())
        return f"INSERT INTO {self.twin} ({', '.join(self.values)}) VALUES ({values})"

    def list(self, limit=20, **more):
        arguments = "".join(f", {name} => {value}" for name, value in more.items())
        return f"SELECT l FROM projectalpha.list_records('{self.name}', row_limit => {limit}{arguments}) AS l"

    def select(self, limit=20):
        """The SELECT that one writes by hand to get the same JSON from the same table."""
        columns = ", ".join(["id", "created_at", *self.fields])
        return f"SELECT row_to_json(r) FROM (SELECT {columns} FROM {self.table} ORDER BY id LIMIT {limit}) AS r"

    def truncate(self):
        return f"TRUNCATE {self.table}, {self.twin}"


class Bench:
    """What a case is given."""

    def __init__(self, stack, rounds, seconds, say):
        self.stack = stack
        self.rounds = rounds
        self.seconds = seconds  # of each measurement by the clock
        self.say = say

    def tool(self, name, fields=None, values=None):
        """Registers a tool and makes its twin."""
        tool = Tool(name, f"token-of-{name}", fields or THREE_FIELDS, values or THREE_VALUES)
        self.stack.sql("select projectalpha.register_tool(%s, %s, %s)", tool.name, tool.token, tool.schema)
        self.stack.sql("create schema if not exists twins")
        self.stack.sql(f"create table {tool.twin} (like {tool.table} including all)")
        return tool

    def settle(self):
        """Before a case: what the one before has left to write is written, and its WAL can be used again."""
        self.stack.sql("checkpoint")

    def configure(self, **settings):
        """Changes settings of the server, for sessions that are open as well."""
        for name, value in settings.items():
            self.stack.sql(f"alter system set {name} = '{value}'")
        self.stack.sql("select pg_reload_conf()")


@contextmanager
def running(rounds, seconds, say):
    """A stack of our own, with our settings, for as long as it is needed."""
    with Stack(durable=True) as stack:
        bench = Bench(stack, rounds, seconds, say)
        bench.configure(**SETTINGS)
        # Segments of the WAL that were in use once: a new one is filled with zeros by whoever happens to need it.
        bench.stack.sql("select pg_logical_emit_message(false, 'bench', repeat('x', 16 << 20)) "
                        "from generate_series(1, 40)")
        yield bench


def loop(statement, count, values=None):
    """A block that runs a statement of PL/pgSQL many times in one transaction: `payload` is the record, `n` its id."""
    payload = sql.Literal(json.dumps(values or {})).as_string()
    return (f"DO $bench$ DECLARE n bigint; payload jsonb := {payload}; "
            f"BEGIN FOR i IN 1..{count} LOOP {statement} END LOOP; END $bench$")


def literal(value, kind):
    """The value as SQL writes it for a column of that type of field."""
    if kind == "json":
        return sql.Literal(json.dumps(value)).as_string() + "::jsonb"
    if isinstance(value, bool):
        return str(value).lower()
    return sql.Literal(value).as_string()
