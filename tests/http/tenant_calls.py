"""A call as the model knows it, and the three ways to make it: a database connection, /rpc/, and the URLs."""

import json
import re
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

import psycopg

from tenant_model import OUTCOMES

JSONB = {"payload", "payloads", "changes", "filter", "parameters", "metadata", "value"}
NEEDS_TOKEN = {"store_record", "store_records", "upsert_record", "update_record", "delete_record"}
WRITES = NEEDS_TOKEN | {"store_configured"}
TIMES = {"created_at", "updated_at"}
MARKER = re.compile(r"~(\w+?)\.\d+~")
SCHEMA = re.compile(r"project_(\d+)")


class Cursor(NamedTuple):
    order_by: str
    key: object
    id: int
    text: str


@dataclass
class Call:
    function: str
    arguments: dict  # of the SQL function
    search: dict = field(default_factory=dict)  # what a page is of, as the model takes it

    @property
    def tool(self):
        return self.arguments.get("tool_name")

    @property
    def token(self):
        return self.arguments.get("current_token" if self.function == "rotate_token" else "token")


class Answer(NamedTuple):
    outcome: str  # None for success, otherwise the words of the error
    code: object  # SQLSTATE or status
    value: object
    text: str  # all that came back


UNKNOWN = object()


def record(shown):
    return {name: value for name, value in shown.items() if name not in TIMES}


def value_of(function, rows):
    """What the rows of a SQL function say, in the words of the model."""
    if function in ("list_records", "list_configured"):
        return [record(row) for row in rows]
    if function in ("get_record", "update_record"):
        return record(rows[0])
    if function == "upsert_record":
        return tuple(rows[0].values())
    if function == "validate_record":
        return [(row["field"], row["rule"]) for row in rows]
    return rows[0] if rows else None


class Sql:
    """A connection, kept open, of some role."""

    def __init__(self, connection, role=None, nested=False):
        self.connection, self.role, self.nested = connection, role, nested
        self.notices = []
        connection.add_notice_handler(lambda notice: self.notices.append(notice.message_primary))

    def __str__(self):
        return f"SQL as {self.role or self.connection.info.user}"

    def send(self, call):
        arguments = call.arguments
        places = ", ".join(f"{name} => %s" + ("::pg_catalog.jsonb" if name in JSONB else "") for name in arguments)
        values = [json.dumps(value) if name in JSONB and value is not None else value
                  for name, value in arguments.items()]
        self.notices.clear()
        query = f"select * from projectalpha.{call.function}({places})"
        try:
            # In a transaction, a call that fails is undone by itself.
            with self.connection.transaction() if self.nested else nullcontext():
                if self.role:
                    self.connection.execute(f"set role {self.role}")
                cursor = self.connection.execute(query, values)
                names, rows = [column.name for column in cursor.description], cursor.fetchall()
                if self.role:
                    self.connection.execute("reset role")
        except psycopg.Error as error:
            diag = error.diag
            text = [getattr(diag, name) for name in dir(diag) if not name.startswith("_")]
            return Answer(diag.message_primary, diag.sqlstate, None, f"{text} {self.notices}")
        rows = [row[0] if len(row) == 1 else dict(zip(names, row)) for row in rows]
        return Answer(None, None, value_of(call.function, rows), f"{rows} {self.notices}")


class Rpc:
    """PostgREST as it is."""

    def __init__(self, stack):
        self.stack = stack

    def __str__(self):
        return "/rpc/"

    def send(self, call):
        answer = self.stack.post(f"/rpc/{call.function}", call.arguments)
        text = f"{answer.headers} {answer.body.decode()}"
        if answer.status >= 300:
            error = answer.json()
            return Answer(error["message"], error["code"], None, text)
        rows = answer.json() if answer.body else None
        if call.function not in ("list_records", "list_configured", "upsert_record", "validate_record"):
            rows = [rows]
        return Answer(None, None, value_of(call.function, rows), text)


class Urls:
    """The endpoints."""

    FUNCTIONS = WRITES | {"get_record", "list_records", "count_records", "validate_record", "list_configured"}

    def __init__(self, stack):
        self.stack = stack

    def __str__(self):
        return "the URLs"

    def request(self, call):
        """Method, path, body and headers."""
        a, f = call.arguments, call.function
        path, headers = f"/tools/{call.tool}", []
        if call.token is not None:
            headers.append(("token", call.token))
        if f == "store_record":
            if a["idempotency_key"] is not None:
                headers.append(("Idempotency-Key", a["idempotency_key"]))
            return "POST", path, a["payload"], headers
        if f == "store_records":
            return "POST", f"{path}/records:batch", a["payloads"], headers
        if f == "upsert_record":
            return "POST", f"{path}/records:upsert?on_field={a['on_field']}", a["payload"], headers
        if f == "validate_record":
            return "POST", f"{path}/records:validate", a["payload"], headers
        if f == "store_configured":
            return "POST", f"/tool-{call.tool}", a["payload"], headers
        if f in ("get_record", "update_record", "delete_record"):
            if a.get("if_version") is not None:
                headers.append(("If-Match", f'"{a["if_version"]}"'))
            method = {"get_record": "GET", "update_record": "PATCH", "delete_record": "DELETE"}[f]
            return method, f"{path}/records/{a['id']}", a.get("changes"), headers
        return "GET", self.page(call), None, headers

    def page(self, call):
        s = call.search
        query = [(f"{name}.{operator}", value) for name, operator, operand in s.get("conditions", ())
                 for value in (operand if operator == "in" else [operand])]
        query += [(name, s[key]) for name, key in (("limit", "limit"), ("offset", "offset"), ("after_id", "after_id"),
                                                  ("order_by", "order_by")) if s.get(key) is not None]
        if s.get("cursor") is not None:
            query.append(("after", s["cursor"].text))
        path = {"list_records": f"/tools/{call.tool}", "list_configured": f"/tool-{call.tool}",
                "count_records": f"/tools/{call.tool}/records:count"}[call.function]
        return f"{path}?{urlencode(query)}"

    def send(self, call):
        method, path, body, headers = self.request(call)
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        answer = self.stack.http(method, path, headers, None if body is None else json.dumps(body).encode())
        text = f"{answer.headers} {answer.body.decode()}"
        if answer.status >= 300:
            return Answer(answer.json()["detail"], answer.status, None, text)
        return Answer(None, None, self.value(call.function, answer.json()), text)

    @staticmethod
    def value(function, body):
        if function in ("list_records", "list_configured", "validate_record"):
            return value_of(function, body)
        if function in ("get_record", "update_record", "upsert_record"):
            return value_of(function, [body])
        if function == "count_records":
            return body["count"]
        if function == "store_records":
            return int(body["message"].split()[0])
        return UNKNOWN


def is_outcome(answer, outcome, words, by_status):
    """True if the answer is this outcome, in its words and with its code."""
    if outcome is None or answer.outcome is None:
        return outcome is None and answer.outcome is None
    if outcome == "no header":
        return answer.code == 422
    text, sqlstate, status = OUTCOMES[outcome]
    said = answer.outcome
    if isinstance(said, str):
        said = re.sub(r"^Record \d+: ", "", said)
    return said == text.format(**words) and answer.code == (status if by_status else sqlstate)
