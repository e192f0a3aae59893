"""Tools and tokens of every kind, and the calls that go through the gate, over SQL and over HTTP."""

import json
import secrets
from typing import NamedTuple

import psycopg
from psycopg.types.json import Jsonb

FIELDS = [{"name": "n", "type": "int", "unique": True}, {"name": "s", "type": "str"}, {"name": "amount", "type": "int"}]
BUILTIN = ["read", "write", "update", "delete"]
OWN = "refund"  # an action that only the tool's application knows
EVERY_SCOPE = [*BUILTIN, "admin", OWN]
WRONG = "pas_tool_0000000000000000000000000000000000000000000"


class Tool(NamedTuple):
    name: str
    kind: str
    sensitive: bool = False
    stored: bool = True
    active: bool = True
    whole: bool = False  # keeps payloads as they are, without fields
    configured: bool = False


class Token(NamedTuple):
    kind: str
    text: str | None
    live: bool = True
    tool: str | None = None  # that it is for
    scopes: tuple = ()
    of_agent: bool = False
    listed: bool = True  # the agent has the role that the policy of the tool asks for
    project: str | None = None


class Call(NamedTuple):
    name: str
    actions: tuple  # all of which must be allowed
    writes: bool
    everybody: bool  # may, unless the tool is sensitive
    sql: str  # gives what the caller gets to see, as text
    method: str
    path: str
    body: object = None


ONE, BATCH, CHANGES = {"n": 100, "s": "new", "amount": 5}, [{"n": 100, "s": "new"}, {"n": 101, "s": "new"}], {"s": "changed"}
CALLS = {call.name: call for call in [
    Call("list", ("read",), False, True, "SELECT string_agg(r::text, ',') FROM projectalpha.list_records(%(tool)s, token => %(token)s) AS r", "GET", "/tools/{}"),
    Call("get", ("read",), False, True, "SELECT projectalpha.get_record(%(tool)s, 1, %(token)s)::text", "GET", "/tools/{}/records/1"),
    Call("count", ("read",), False, True, "SELECT projectalpha.count_records(%(tool)s, token => %(token)s)::text", "GET", "/tools/{}/records:count"),
    Call("store", ("write",), True, False, "SELECT projectalpha.store_record(%(tool)s, %(token)s, %(body)s)::text", "POST", "/tools/{}", ONE),
    Call("batch", ("write",), True, False, "SELECT projectalpha.store_records(%(tool)s, %(token)s, %(body)s)::text", "POST", "/tools/{}/records:batch", BATCH),
    Call("update", ("update",), True, False, "SELECT projectalpha.update_record(%(tool)s, %(token)s, 1, %(body)s)::text", "PATCH", "/tools/{}/records/1", CHANGES),
    Call("delete", ("delete",), True, False, "SELECT projectalpha.delete_record(%(tool)s, %(token)s, 1)::text", "DELETE", "/tools/{}/records/1"),
    Call("upsert", ("write", "update"), True, False, "SELECT u::text FROM projectalpha.upsert_record(%(tool)s, %(token)s, %(body)s, 'n') AS u",
         "POST", "/tools/{}/records:upsert?on_field=n", {"n": 1, "s": "upserted"}),
    Call("validate", ("write",), False, True, "SELECT count(*)::text FROM projectalpha.validate_record(%(tool)s, %(body)s, %(token)s)", "POST", "/tools/{}/records:validate", ONE),
]}
CONFIGURED_CALLS = [
    Call("post", ("write",), True, True, "SELECT projectalpha.store_configured(%(tool)s, %(body)s, %(token)s)::text", "POST", "/tool-{}", ONE),
    Call("list configured", ("read",), False, True, "SELECT string_agg(r::text, ',') FROM projectalpha.list_configured(%(tool)s, token => %(token)s) AS r", "GET", "/tool-{}"),
]


class Outcome(NamedTuple):
    """What came of a call; the SQLSTATE is None if it passed, or came over HTTP."""
    sqlstate: str | None
    status: int | None
    message: str  # of the error, or what was shown
    detail: str | None = None
    hint: str | None = None
    headers: tuple = ()


class Caller:
    """Makes calls as an application does, by the role that has no rights but to call."""

    def __init__(self, stack):
        self.stack = stack
        self.db = stack.connect(autocommit=True)
        self.db.execute("SET ROLE projectalpha_anon")
        self.admin = stack.connect(autocommit=True)

    def sql(self, call, tool, token, body=None, db=None):
        body = call.body if body is None else body
        try:
            shown = (db or self.db).execute(call.sql, {"tool": tool, "token": token, "body": Jsonb(body)}).fetchone()[0]
            return Outcome(None, None, shown or "")
        except psycopg.Error as error:
            told = error.diag
            return Outcome(told.sqlstate, None, told.message_primary, told.message_detail, told.message_hint)

    def http(self, call, tool, token, body=None, headers=()):
        body = call.body if body is None else body
        sent = None if body is None else json.dumps(body).encode()
        headers = [*([] if token is None else [("token", token)]), *headers]
        answer = self.stack.http(call.method, call.path.format(tool), headers, sent)
        return Outcome(None, answer.status, answer.body.decode(), headers=tuple(answer.headers))

    def check(self, tool, token, action, context=None):
        return self.db.execute("SELECT projectalpha.check_access(%s, %s, %s, %s)", [token, tool, action, Jsonb(context) if context else None]).fetchone()[0]

    def explain(self, tool, token, action, context=None, credential=None):
        context = Jsonb(context) if context else None
        return self.admin.execute("SELECT projectalpha.explain_access(%s, %s, %s, %s, %s)", [token, tool, action, context, credential]).fetchone()[0]


def add_policy(stack, tool, name, effect, actions, conditions=None, scopes=None, priority=0):
    return stack.value("SELECT projectalpha.create_policy(%s, %s, %s, %s, %s, %s, %s)", tool, name, effect, actions, Jsonb(conditions or {}), scopes, priority)


def new_agent(stack, roles=(), permissions=()):
    """The id and the API key of an agent of its own name."""
    return stack.sql("SELECT * FROM projectalpha.create_agent(%s, roles => %s, permissions => %s)", f"agent {secrets.token_hex(6)}", list(roles), list(permissions))[0]


def issue(stack, agent, tool, scopes, project=None):
    return stack.value("SELECT projectalpha.issue_credential(%s, %s, %s, '1 day', %s)", agent, tool, list(scopes), project)


def outdate(stack, token):
    stack.sql("UPDATE projectalpha.credentials SET created_at = now() - interval '2 days', expires_at = now() - interval '1 s' WHERE digest = sha256(%s)", token.encode())


def register(stack, kind, schema=FIELDS, sensitive=False, versioned=False, storage="table"):
    """The name of a tool, and its first token."""
    name = f"gate_{kind}_{secrets.token_hex(3)}"
    schema = None if schema is None else Jsonb(schema)
    token = stack.value("SELECT (projectalpha.register_tool(%s, NULL, %s, sensitive => %s, versioned => %s, storage => %s)).token", name, schema, sensitive, versioned, storage)
    stack.sql("SELECT projectalpha.update_tool_info(%s, %s)", name, Jsonb({"allowed_scopes": EVERY_SCOPE}))
    return name, token


def configure(stack, kind, sensitive):
    """The same for a tool that is configured, and registered by its first record."""
    name, token = f"gate_{kind}_{secrets.token_hex(3)}", f"token-{secrets.token_hex(16)}"
    stack.sql("SELECT projectalpha.configure_tool(%s, %s, true, %s)", name, sensitive, token)
    stack.sql("SELECT projectalpha.store_configured(%s, '{}', %s)", name, token)
    stack.sql("SELECT projectalpha.update_tool_info(%s, %s)", name, Jsonb({"allowed_scopes": EVERY_SCOPE}))
    return name, token


def anonymous_tokens(stack, api_key, project):
    """What is no token of any tool."""
    common = stack.value("SELECT projectalpha.add_common_token()")
    of_project = stack.value("SELECT projectalpha.issue_project_token(%s)", project)
    return [
        Token("none", None, live=False), Token("wrong", WRONG, live=False), Token("empty", "", live=False),
        Token("API key", api_key), Token("admin's", stack.admin_token), Token("common", common), Token("project token", of_project),
    ]
