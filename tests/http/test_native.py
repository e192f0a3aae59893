"""/rpc/: the same functions in PostgREST's own way, for its standard clients."""

import json

import pytest
from postgrest import APIError, SyncPostgrestClient

from contract import expect

# The functions that check tokens themselves, and are for everybody.
SERVED = {"register_tool", "store_record", "list_records", "delete_tool", "store_common", "list_common"}
SCHEMA = [{"name": "user_id", "type": "int"}, {"name": "feedback", "type": "str"}]


def allowed(stack):
    """The functions of the public schema that an HTTP caller may execute."""
    return {
        name
        for (name,) in stack.sql(
            """select p.proname::text from pg_proc p where p.pronamespace = 'projectalpha'::regnamespace
               and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
               and has_function_privilege('projectalpha_anon', p.oid, 'execute')"""
        )
    }


@pytest.fixture(params=[None, "projectalpha"], ids=["default client", "client with a schema"])
def client(request, stack):
    options = {"schema": request.param} if request.param else {}
    with SyncPostgrestClient(stack.url, **options) as client:
        yield client


def test_the_life_of_a_tool_with_the_standard_client(stack, client):
    name, token = stack.new_name(), "native-token-001"

    def call(function, **arguments):
        return client.rpc(function, arguments).execute().data

    def one(data):
        return data[0] if isinstance(data, list) else data

    registered = one(
        call("register_tool", tool_name=name, token=token, schema=SCHEMA, admin_token=stack.admin_token)
    )
    assert (registered["tool_name"], registered["table_name"]) == (name, f"tool_{name}")
    assert call("store_record", tool_name=name, token=token, payload={"user_id": 42, "feedback": "é"}) == 1
    assert call("store_record", tool_name=name, token=token, payload={"user_id": 43}) == 2
    rows = call("list_records", tool_name=name)
    assert [list(row) for row in rows] == [["id", "created_at", "user_id", "feedback"]] * 2
    assert [row["user_id"] for row in rows] == [42, 43]
    assert all(row["created_at"].endswith("+00:00") for row in rows)
    assert [row["id"] for row in call("list_records", tool_name=name, row_limit=1, row_offset=1)] == [2]
    call("delete_tool", tool_name=name, admin_token=stack.admin_token)
    with pytest.raises(APIError):
        call("list_records", tool_name=name)


def test_the_common_table_with_the_standard_client(stack, client):
    name, token = stack.new_name(), stack.common_tokens[0]

    def call(function, **arguments):
        return client.rpc(function, {"tool_name": name} | arguments).execute().data

    def shown(**arguments):
        return [row["data"] for row in call("list_common", **arguments)]

    assert isinstance(call("store_common", payload={"open": 1}), int)
    assert isinstance(call("store_common", payload={"secret": 1}, sensitive=True, token=token), int)
    assert shown() == [{"open": 1}]
    with pytest.raises(APIError):
        shown(token="wrong-token")
    assert shown(token=token) == [{"open": 1}, {"secret": 1}]
    with pytest.raises(APIError):
        call("store_common", payload={"secret": 2}, sensitive=True, token="wrong-token")
    assert shown(token=token) == [{"open": 1}, {"secret": 1}]


def test_a_generated_token_is_given_out_at_registration_and_works(stack, client):
    name = stack.new_name()
    arguments = {"tool_name": name, "schema": SCHEMA, "admin_token": stack.admin_token}
    (registered,) = client.rpc("register_tool", arguments).execute().data
    stored = {"tool_name": name, "token": registered["token"], "payload": {"user_id": 1}}
    assert client.rpc("store_record", stored).execute().data == 1
    assert len(registered["token"]) >= 43  # 256 bits


def test_plain_json_stores_and_lists(stack, survey):
    body = {"tool_name": survey.name, "token": survey.token, "payload": {"user_id": 5}}
    answer = stack.post("/rpc/store_record", body)
    assert (answer.status, answer.json()) == (200, 1)
    answer = stack.post("/rpc/list_records", {"tool_name": survey.name})
    assert (answer.status, [row["user_id"] for row in answer.json()]) == (200, [5])


@pytest.mark.parametrize(
    "header",
    [
        ("Authorization", "Bearer not.a.token"), ("Authorization", "Basic eDp5"), ("apikey", "x"),
        ("Prefer", "tx=rollback"),
    ],
    ids=": ".join,
)
def test_headers_that_clients_add_do_not_get_in_the_way(stack, survey, header):
    body = {"tool_name": survey.name, "token": survey.token, "payload": {"user_id": 5}}
    answer = stack.post("/rpc/store_record", body, header)
    assert (answer.status, answer.json()) == (200, 1)
    assert [row["user_id"] for row in stack.rows(survey)] == [5]


def test_a_sensitive_tool_is_listed_with_its_token_alone(stack):
    name, token = stack.new_name(), "native-token-002"
    body = {"tool_name": name, "token": token, "schema": SCHEMA, "sensitive": True, "admin_token": stack.admin_token}
    assert stack.post("/rpc/register_tool", body).status == 200
    for given in ({}, {"token": None}, {"token": ""}, {"token": "wrong-token"}):
        assert stack.post("/rpc/list_records", {"tool_name": name} | given).status in (401, 403)
    answer = stack.post("/rpc/list_records", {"tool_name": name, "token": token})
    assert (answer.status, answer.json()) == (200, [])


REFUSED = {
    "store, wrong token": ("store_record", {"token": "wrong-token", "payload": {}}, {401, 403}),
    "store, null token": ("store_record", {"token": None, "payload": {}}, {401, 403}),
    "store, empty token": ("store_record", {"token": "", "payload": {}}, {401, 403}),
    "store, wrong type": ("store_record", {"payload": {"user_id": "x"}}, {400}),
    "store, payload an array": ("store_record", {"payload": []}, {400}),
    "store, payload null": ("store_record", {"payload": None}, {400}),
    "delete, no admin token": ("delete_tool", {}, {401, 403}),
    "delete, wrong admin token": ("delete_tool", {"admin_token": "wrong-admin"}, {401, 403}),
    "delete, empty admin token": ("delete_tool", {"admin_token": ""}, {401, 403}),
    "register, no admin token": ("register_tool", {"schema": SCHEMA, "token": "native-token-003"}, {401, 403}),
    "register, wrong admin token": ("register_tool", {"schema": SCHEMA, "admin_token": "wrong-admin"}, {401, 403}),
}


@pytest.mark.parametrize("function, change, statuses", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_changes_nothing_and_is_said_in_postgrest_s_form(stack, survey, function, change, statuses):
    before = stack.footprint()
    body = {"tool_name": survey.name} | ({"token": survey.token} if function == "store_record" else {}) | change
    answer = stack.post(f"/rpc/{function}", body)
    assert answer.status in statuses, answer
    assert {"code", "message", "details", "hint"} == set(answer.json())
    assert survey.token.encode() not in answer.body and b"wrong-" not in answer.body
    assert stack.footprint() == before and stack.rows(survey) == []


def test_the_openapi_document_lists_what_may_be_called_and_nothing_else(stack):
    answer = stack.get("/rpc/")
    assert answer.status == 200 and answer.header("content-type")[0].startswith("application/openapi+json")
    listed = {path.removeprefix("/rpc/") for path in answer.json()["paths"] if path.startswith("/rpc/")}
    assert listed == allowed(stack)
    assert SERVED <= listed
    assert not {"set_admin_token", "add_common_token", "revoke_token"} & listed
    assert {path for path in answer.json()["paths"] if not path.startswith("/rpc/")} <= {"/"}


def test_the_arguments_in_the_openapi_document_are_those_of_the_functions(stack):
    operation = stack.get("/rpc/").json()["paths"]["/rpc/store_record"]["post"]
    (body,) = [parameter["schema"] for parameter in operation["parameters"] if parameter.get("in") == "body"]
    assert set(body["properties"]) == {"tool_name", "token", "payload", "idempotency_key"}


@pytest.mark.parametrize("function", ["set_admin_token", "add_common_token", "revoke_token"])
def test_what_is_for_the_dba_cannot_be_called(stack, survey, function):
    for arguments in ({"token": "taken-over-001"}, {"token": stack.admin_token}, {}):
        assert stack.post(f"/rpc/{function}", arguments).status in (401, 403, 404)
    for token in ("taken-over-001", ""):
        assert stack.delete(survey.path, ("admin-token", token)).status == 403
    assert stack.delete(survey.path, stack.admin).status == 200


@pytest.mark.parametrize("profile", [None, "projectalpha_http", "pg_catalog", "public"])
@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
def test_no_other_schema_can_be_chosen(stack, profile, kind):
    drop_in = stack.sql("select proname::text from pg_proc where pronamespace = 'projectalpha_http'::regnamespace")
    assert drop_in
    headers = [("Content-Type", kind)] + ([("Content-Profile", profile)] if profile else [])
    for (name,) in [*drop_in, ("pg_sleep",), ("version",), ("current_user",)]:
        answer = stack.http("POST", f"/rpc/{name}", headers, b"{}")
        assert 400 <= answer.status < 500, (name, answer)
        assert answer.header("content-type") != ["application/json"], (name, answer)  # that would be the drop-in


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_tables_and_views_are_not_served(stack, method):
    relations = stack.sql(
        "select relname::text from pg_class where relnamespace = 'projectalpha'::regnamespace and relkind in ('r', 'v')"
    )
    assert ("registered_tools",) in relations
    for (name,) in relations:
        for path in (f"/{name}", f"/rpc/../{name}", f"/rpc/{name}", f"/rpc/%2e%2e/{name}"):
            if (method, path) == ("GET", "/tools"):
                continue  # the directory, which is ours
            answer = stack.http(method, path, [("Content-Type", "application/json")], b"{}")
            assert answer.status in (401, 403, 404, 405), (path, answer)


def test_a_page_holds_at_most_a_hundred_records(stack, survey):
    stack.sql(
        "select projectalpha.store_record(%s, %s, '{}') from generate_series(1, 105)", survey.name, survey.token
    )
    answer = stack.post("/rpc/list_records", {"tool_name": survey.name, "row_limit": 1000})
    assert (answer.status, len(answer.json())) == (200, 100)
    answer = stack.post("/rpc/list_records", {"tool_name": survey.name})
    assert (answer.status, len(answer.json())) == (200, 10)


def oversized(tool, size):
    """A call that, cut off anywhere in its blanks, would still be one."""
    return json.dumps({"tool_name": tool.name, "token": tool.token, "payload": {}}).encode().ljust(size)


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 5 * 1024 * 1024])
def test_a_body_over_one_mebibyte_is_too_large(stack, survey, size):
    answer = stack.post("/rpc/store_record", oversized(survey, size))
    expect(answer, 413, {"detail": "Request body too large"})
    assert stack.rows(survey) == []


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 5 * 1024 * 1024])
def test_a_chunked_body_over_one_mebibyte_is_refused_and_not_stored(stack, survey, size):
    headers = [("Content-Type", "application/json")]
    answer = stack.http("POST", "/rpc/store_record", headers, oversized(survey, size), chunked=True)
    assert answer.status in (411, 413), answer  # length required, or too large
    assert stack.rows(survey) == []
