"""One tool, many tenants, over HTTP and SQL: the token decides whose records a call is about, and no other's."""

import json
import secrets
from random import Random
from typing import NamedTuple

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from contract import UNAUTHORIZED, expect, expect_detail, expect_message
from stack import Tool

SCHEMA = [{"name": "who", "type": "str"}, {"name": "k", "type": "int", "unique": True}]
SUSPENDED, ARCHIVED = "Project is suspended", "Project is archived"


class Tenant(NamedTuple):
    """What a project has of a tool; the shared table is one without a project."""

    name: str
    project: int | None
    tool: Tool

    @property
    def auth(self):
        return self.tool.auth

    @property
    def path(self):
        return self.tool.path

    @property
    def table(self):
        schema = "projectalpha_data" if self.project is None else f"project_{self.project}"
        return f"{schema}.tool_{self.tool.name}"


def register(stack, sensitive=False, **options):
    name, token = stack.new_name(), f"shared-{secrets.token_hex(8)}"
    settings = "".join(f", {option} => {value}" for option, value in options.items())
    stack.sql(f"select projectalpha.register_tool(%s, %s, %s::jsonb, sensitive => %s{settings})", name, token, json.dumps(SCHEMA), sensitive)
    return Tenant("shared", None, Tool(name, token))


def enable(stack, shared, name):
    project = stack.value("select projectalpha.create_project(%s)", name)
    token = stack.value("select projectalpha.enable_tool(%s, %s)", shared.tool.name, project)
    return Tenant(name, project, Tool(shared.tool.name, token))


@pytest.fixture(params=[False, True], ids=["public", "sensitive"])
def shared(request, stack):
    return register(stack, request.param, versioned="true")


@pytest.fixture
def tenants(stack, shared):
    """The shared table and two projects, each with the records 1 and 2 that say whose they are."""
    everybody = [shared, enable(stack, shared, "ann"), enable(stack, shared, "bob")]
    for tenant in everybody:
        for k in (1, 2):
            expect_message(stack.store(tenant.tool, {"who": tenant.name, "k": k}), "Data stored successfully")
    return everybody


def listed(stack, tenant, query=""):
    answer = stack.get(tenant.path + query, tenant.auth)
    assert answer.status == 200, answer
    return [(row["id"], row["who"], row["k"]) for row in answer.json()]


def contents(stack, tenant):
    return stack.sql(f"select id, who, k, version from {tenant.table} order by id")


def test_each_token_leads_to_one_table(stack, tenants):
    for tenant in tenants:
        assert listed(stack, tenant) == [(1, tenant.name, 1), (2, tenant.name, 2)]
        assert stack.get(tenant.path, tenant.auth).header("vary") == ["token"]
        expect(stack.get(f"{tenant.path}/records:count?who.eq={tenant.name}", tenant.auth), 200, {"count": 2})
        for other in tenants:
            found = 2 if other is tenant else 0
            expect(stack.get(f"{tenant.path}/records:count?who.eq={other.name}", tenant.auth), 200, {"count": found})
            assert len(listed(stack, tenant, f"?who.like=%25{other.name}%25&order_by=-k")) == found
        assert stack.get(f"{tenant.path}/records/2", tenant.auth).json()["who"] == tenant.name


def test_changing_one_table_changes_no_other(stack, tenants):
    _, ann, bob = tenants
    before = {tenant: contents(stack, tenant) for tenant in tenants}

    record = f"{ann.path}/records/1"
    etag = stack.get(record, ann.auth).header("etag")[0]
    answer = stack.http("PATCH", record, [ann.auth, ("If-Match", etag)], b'{"who": "changed"}')
    assert answer.status == 200 and answer.json()["version"] == 2
    # The version of one record says nothing of the other with that id.
    assert stack.http("PATCH", record, [ann.auth, ("If-Match", etag)], b'{"who": "again"}').status == 412
    assert stack.http("PATCH", record, [bob.auth, ("If-Match", answer.header("etag")[0])], b'{"who": "x"}').status == 412
    expect_message(stack.delete(f"{ann.path}/records/2", ann.auth), "Record 2 deleted")
    expect_detail(stack.delete(f"{ann.path}/records/2", ann.auth), 404, "Record not found")
    expect_message(stack.post(f"{ann.path}/records:batch", [{"k": 10}, {"k": 11}], ann.auth), "2 records stored")
    upserted = stack.post(f"{ann.path}/records:upsert?on_field=k", {"who": "upserted", "k": 1}, ann.auth)
    assert upserted.status == 200, upserted
    # A value that is unique in one table may be in another.
    expect_message(stack.store(bob.tool, {"who": "bob", "k": 10}), "Data stored successfully")

    assert [row[1:] for row in contents(stack, ann)] == [("upserted", 1, 3), (None, 10, 1), (None, 11, 1)]
    assert contents(stack, bob)[:2] == before[bob] and len(contents(stack, bob)) == 3
    assert contents(stack, tenants[0]) == before[tenants[0]]


def test_reading_without_a_token_is_reading_the_shared_table(stack, tenants):
    shared = tenants[0]
    sensitive = stack.get(shared.path).status == 401
    for headers in ([], [("token", "")], [("token", "never-given-out")], [("token", register(stack).tool.token)]):
        for rest in ("", "/records/1", "/records:count?who.eq=ann"):
            answer = stack.get(shared.path + rest, *headers)
            if sensitive:
                expect_detail(answer, 401, UNAUTHORIZED)
            else:
                assert answer.status == 200 and b"ann" not in answer.body and b"bob" not in answer.body
                assert rest != "/records:count?who.eq=ann" or answer.json() == {"count": 0}


def test_idempotency_keys_of_tenants_do_not_meet(stack, tenants):
    key = ("Idempotency-Key", secrets.token_hex(8))
    for tenant in tenants * 2:
        expect_message(stack.post(tenant.path, {"who": tenant.name, "k": 5}, tenant.auth, key), "Data stored successfully")
    for tenant in tenants:
        assert [who for _, who, k in listed(stack, tenant) if k == 5] == [tenant.name]
        answer = stack.post(tenant.path, {"who": "other", "k": 6}, tenant.auth, key)
        expect_detail(answer, 409, "Idempotency key was used with another payload")
    _, ann, _ = tenants
    assert stack.value(f"select count(*) from project_{ann.project}.idempotency_keys") == 1


def test_what_ends_a_tenant_s_rights_ends_them_at_once(stack, tenants):
    shared, ann, bob = tenants
    sensitive = stack.get(shared.path).status == 401

    def reads_as_nobody():
        answer = stack.get(ann.path, ann.auth)
        if sensitive:
            expect_detail(answer, 401, UNAUTHORIZED)
        else:
            assert {row["who"] for row in answer.json()} == {"shared"}

    stack.sql("select projectalpha.set_project_status(%s, 'suspended')", ann.project)
    for _ in range(5):
        expect_detail(stack.store(ann.tool, {"k": 3}), 409, SUSPENDED)
        expect_detail(stack.http("PATCH", f"{ann.path}/records/1", [ann.auth], b'{"k": 9}'), 409, SUSPENDED)
        expect_detail(stack.delete(f"{ann.path}/records/1", ann.auth), 409, SUSPENDED)
        assert len(listed(stack, ann)) == 2 and len(listed(stack, bob)) == 2
    stack.sql("select projectalpha.set_project_status(%s, 'archived')", ann.project)
    for _ in range(5):
        expect_detail(stack.store(ann.tool, {"k": 3}), 409, ARCHIVED)
        expect_detail(stack.get(ann.path, ann.auth), 409, ARCHIVED)
    stack.sql("select projectalpha.set_project_status(%s, 'active')", ann.project)
    expect_message(stack.store(ann.tool, {"k": 3}), "Data stored successfully")

    new = stack.post("/rpc/rotate_token", {"tool_name": ann.tool.name, "current_token": ann.tool.token}).json()
    for _ in range(5):
        expect_detail(stack.store(ann.tool, {"k": 4}), 401, UNAUTHORIZED)
        reads_as_nobody()
    again = ann._replace(tool=Tool(ann.tool.name, new))
    expect_message(stack.store(again.tool, {"k": 4}), "Data stored successfully")
    assert len(listed(stack, again)) == 4 and len(listed(stack, bob)) == 2 and len(listed(stack, shared)) == 2

    stack.sql("select projectalpha.disable_tool(%s, %s)", ann.tool.name, ann.project)
    for _ in range(5):
        expect_detail(stack.store(again.tool, {"k": 5}), 401, UNAUTHORIZED)
    assert len(listed(stack, bob)) == 2


def test_a_tenant_on_an_older_version_is_served_as_before(stack, tenants):
    shared, ann, bob = tenants
    stack.sql(
        "select projectalpha.alter_tool(%s, %s::jsonb)", shared.tool.name,
        json.dumps([{"rename": {"field": "who", "to": "whose"}}, {"add": {"name": "extra", "type": "int", "default": 7}}]),
    )
    expect_message(stack.store(ann.tool, {"who": "ann", "k": 3, "extra": 1}), "Data stored successfully")
    assert listed(stack, ann)[2] == (3, "ann", 3)
    fields = lambda tenant: list(  # noqa: E731
        stack.get(f"{tenant.path}/openapi.json", tenant.auth).json()["components"]["schemas"]["NewRecord"]["properties"]
    )
    assert (fields(shared), fields(ann)) == (["whose", "k", "extra"], ["who", "k"])
    stack.sql("select projectalpha.upgrade_project(%s)", ann.project)
    assert [row["extra"] for row in stack.get(ann.path, ann.auth).json()] == [7, 7, 7]
    assert (fields(ann), fields(bob)) == (["whose", "k", "extra"], ["who", "k"])
    assert listed(stack, bob) == [(1, "bob", 1), (2, "bob", 2)]


def test_the_document_of_a_tenant_tells_of_its_project(stack, tenants):
    for tenant in tenants:
        document = stack.get(f"{tenant.path}/openapi.json", tenant.auth).json()
        OpenAPIV31SpecValidator(document).validate()
        operations = [operation for path in document["paths"].values() for operation in path.values() if "responses" in operation]
        always = all("409" in operation["responses"] for operation in operations)
        assert always == (tenant.project is not None) and len(operations) > 8


def test_a_former_tenant_does_not_go_on_as_everybody(stack, shared):
    """Everybody may write at the endpoint of a configured tool that is not sensitive; whoever was a tenant is not everybody."""
    if stack.get(shared.path).status == 401:
        stack.sql("select projectalpha.alter_tool(%s, '{\"options\": {\"sensitive\": false}}')", shared.tool.name)
    stack.sql("select projectalpha.configure_tool(%s, sensitive => false, use_individual_table => true)", shared.tool.name)
    ann = enable(stack, shared, "ann")
    url, stored = f"/tool-{ann.tool.name}", f"JSON stored in table tool_{ann.tool.name}"
    expect_message(stack.post(url, {"who": "ann"}, ann.auth), stored)
    assert [row["who"] for row in stack.get(url, ann.auth).json()] == ["ann"]
    assert stack.get(url).json() == []

    stack.sql("select projectalpha.disable_tool(%s, %s)", ann.tool.name, ann.project)
    for _ in range(5):
        expect_detail(stack.post(url, {"who": "ann"}, ann.auth), 401, UNAUTHORIZED)
    expect_message(stack.post(url, {"who": "anybody"}), stored)
    expect_message(stack.post(url, {"who": "anybody"}, ("token", "never-given-out")), stored)
    stack.sql("select projectalpha.drop_project(%s, 'ann')", ann.project)
    expect_detail(stack.post(url, {"who": "ann"}, ann.auth), 401, UNAUTHORIZED)
    assert {row["who"] for row in stack.get(url).json()} == {"anybody"}


def test_the_functions_for_administrators_are_not_served(stack, tenants):
    _, ann, _ = tenants
    for function, arguments in [
        ("enable_tool", {"tool_name": ann.tool.name, "project_id": ann.project}),
        ("disable_tool", {"tool_name": ann.tool.name, "project_id": ann.project}),
        ("allow_tool", {"tool_name": ann.tool.name, "client_id": 1}),
        ("disallow_tool", {"tool_name": ann.tool.name, "client_id": 1}),
    ]:
        assert stack.post(f"/rpc/{function}", arguments).status in (401, 403, 404), function
    body = {"tool_name": ann.tool.name, "project_id": ann.project}
    assert stack.post("/rpc/rotate_token", body | {"admin_token": ann.tool.token}).status in (401, 403)
    assert stack.post("/rpc/rotate_token", body | {"admin_token": stack.admin_token}).status == 200


class World:
    """Tenants and their tokens, and what the service should make of each."""

    def __init__(self, stack, random, session):
        self.stack, self.random, self.session = stack, random, session
        self.tools = [register(stack, sensitive, versioned="true") for sensitive in (False, True)]
        self.tables = {(tool.tool.name, None): tool for tool in self.tools}
        self.status = {}
        self.tokens = []  # (tool, project, token); those that do not work any longer have the project False
        for tool in self.tools:
            self.tokens.append((tool.tool.name, None, tool.tool.token))
            self.tokens.append((tool.tool.name, False, f"wrong-{secrets.token_hex(8)}"))
        for n in range(4):
            project = stack.value("select projectalpha.create_project(%s)", f"t{n}")
            self.status[project] = "active"
            for tool in self.tools:
                self.enable(tool.tool.name, project)
        for number, table in enumerate(self.tables.values()):
            stack.store(table.tool, {"who": self.mark(table), "k": number})

    def enable(self, tool, project):
        token = self.stack.value("select projectalpha.enable_tool(%s, %s)", tool, project)
        self.tables[tool, project] = Tenant(f"t{project}", project, Tool(tool, token))
        self.tokens.append((tool, project, token))

    @staticmethod
    def mark(table):
        """What all rows of a table have, and nothing else in the world."""
        return f"<{table.tool.name}:{table.project}>"

    def end(self, tool, project):
        self.tokens = [(t, False if (t, p) == (tool, project) else p, token) for t, p, token in self.tokens]

    def change_rights(self):
        """Something that an administrator does."""
        stack, random = self.stack, self.random
        tool, project = random.choice([key for key in self.tables if key[1] is not None])
        deed = random.choice(["suspended", "archived", "active", "active", "active", "rotate", "disable", "expire"])
        if deed in ("suspended", "archived", "active"):
            stack.sql("select projectalpha.set_project_status(%s, %s)", project, deed)
            self.status[project] = deed
        elif self.status[project] == "archived":
            return
        elif deed == "rotate":
            self.end(tool, project)
            token = stack.value("select projectalpha.rotate_token(%s, project_id => %s)", tool, project)
            self.tokens.append((tool, project, token))
        elif deed == "disable":
            self.end(tool, project)
            stack.sql("select projectalpha.disable_tool(%s, %s)", tool, project)
            self.enable(tool, project)
        else:
            self.end(tool, project)
            stack.sql(
                """update projectalpha.credentials set expires_at = now() - interval '1 s'
                   where project_id = %s and revoked_at is null and tool_id = (select id from projectalpha.tools where tool_name = %s)""",
                project, tool,
            )

    def digests(self):
        each = " union all ".join(
            f"select md5(coalesce(string_agg(t::text, ' ' order by id), '')) from {table.table} as t" for table in self.tables.values()
        )
        return dict(zip(self.tables, self.session.execute(each).fetchall(), strict=True))

    def call(self, sql):
        """A random call with a random token. Gives what it was, what it may reach, and what came of it."""
        random = self.random
        of_tool, project, token = random.choice(self.tokens)
        tool = of_tool if random.random() < 0.8 else random.choice(self.tools).tool.name
        opens = project if of_tool == tool else False
        may_write = opens is None or self.status.get(opens) == "active"
        may_read = opens is None or self.status.get(opens) in ("active", "suspended")
        if opens is False and tool == self.tools[0].tool.name:
            opens, may_read = None, True
        k = random.randrange(6)
        payload = {"who": self.mark(self.tables[tool, opens]) if opens is not False else "<nobody>", "k": k}
        kind, writes = random.choice([
            ("store", True), ("batch", True), ("upsert", True), ("update", True), ("delete", True),
            ("list", False), ("filtered", False), ("get", False), ("count", False),
        ])
        asked = self.by_sql if sql else self.by_http
        status, text = asked(kind, tool, token, payload, random.randrange(1, 6))
        return (kind, tool, project, token), opens, writes, may_write if writes else may_read, status, text

    def by_http(self, kind, tool, token, payload, record):
        stack, path, auth = self.stack, f"/tools/{tool}", ("token", token)
        answer = {
            "store": lambda: stack.post(path, payload, auth, ("Idempotency-Key", f"key-{record}")),
            "batch": lambda: stack.post(f"{path}/records:batch", [payload], auth),
            "upsert": lambda: stack.post(f"{path}/records:upsert?on_field=k", payload, auth),
            "update": lambda: stack.http("PATCH", f"{path}/records/{record}", [auth], json.dumps(payload).encode()),
            "delete": lambda: stack.delete(f"{path}/records/{record}", auth),
            "list": lambda: stack.get(f"{path}?limit=100", auth),
            "filtered": lambda: stack.get(f"{path}?k.gte=0&order_by=-k&limit=100", auth),
            "get": lambda: stack.get(f"{path}/records/{record}", auth),
            "count": lambda: stack.get(f"{path}/records:count?who.like=%3C%25", auth),
        }[kind]()
        refused = answer.status == 401 or answer.status == 409 and b"Project is" in answer.body
        return "refused" if refused else "done", answer.body.decode()

    def by_sql(self, kind, tool, token, payload, record):
        function, arguments = {
            "store": ("store_record", {"payload": payload, "idempotency_key": f"key-{record}"}),
            "batch": ("store_records", {"payloads": [payload]}),
            "upsert": ("upsert_record", {"payload": payload, "on_field": "k"}),
            "update": ("update_record", {"id": record, "changes": payload}),
            "delete": ("delete_record", {"id": record}),
            "list": ("list_records", {}),
            "filtered": ("list_records", {"filter": {"k": {"gte": 0}}, "order_by": "-k"}),
            "get": ("get_record", {"id": record}),
            "count": ("count_records", {"filter": {"who": {"like": "<%"}}}),
        }[kind]
        arguments = {"tool_name": tool, "token": token} | arguments
        named = ", ".join(f"{name} => %s" for name in arguments)
        values = [json.dumps(value) if isinstance(value, (dict, list)) else value for value in arguments.values()]
        try:
            rows = self.session.execute(f"select * from projectalpha.{function}({named}) as r", values).fetchall()
        except self.stack.SqlError as error:
            refused = error.sqlstate == "28000" or error.sqlstate == "55000"
            return "refused" if refused else "done", str(error)
        return "done", json.dumps(rows, default=str)


@pytest.mark.parametrize("seed", range(3))
def test_no_call_shows_or_changes_what_its_token_does_not_open(stack, seed):
    random = Random(seed)
    with stack.connect(autocommit=True) as session:  # one for all calls in SQL: what it keeps must stay true
        walk(World(stack, random, session), random)


def walk(world, random):
    marks = {key: world.mark(table) for key, table in world.tables.items()}
    before = world.digests()
    refused = changed = 0
    for step in range(250):
        if random.random() < 0.1:
            world.change_rights()
        call, opens, writes, allowed, outcome, text = world.call(sql=random.random() < 0.5)
        tool = call[1]
        assert (outcome == "refused") == (not allowed), (step, call, outcome, text)
        refused += outcome == "refused"
        after = world.digests()
        touched = {key for key in after if after[key] != before[key]}
        assert touched <= ({(tool, opens)} if writes and allowed else set()), (step, call, touched)
        changed += bool(touched)
        shown = {key for key, mark in marks.items() if mark in text.replace("\\u003c", "<")}
        assert shown <= ({(tool, opens)} if allowed else set()), (step, call, shown)
        before = after
    # The test has seen both.
    assert refused > 25 and changed > 25
