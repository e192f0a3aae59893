"""The OpenAPI document of a tool: valid, and true of what the service answers."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from stack import ALL_TYPES

TOKEN = "token-of-described-1"
WRONG = "a-wrong-token-0001"
# With a date of a format of its own and a name that PostgreSQL would have to quote.
FIELDS = [*ALL_TYPES, {"name": "select", "type": "integer"}, {"name": "email_2", "type": "string"}]
# Every rule; no example is known for `code` (which may be left out) and `shape`, and Rust's patterns are not all JSON Schema's.
RULED = [
    {"name": "email", "type": "str", "required": True, "unique": True, "pattern": "^[^@]+@[a-z.]+$", "max_length": 40},
    {"name": "rating", "type": "int", "min": 1, "max": 5, "default": 3, "index": True},
    {"name": "share", "type": "float", "min": 0, "max": 1},
    {"name": "kind", "type": "str", "enum": ["bug", "wish"], "default": "wish"},
    {"name": "level", "type": "int", "enum": [7, 8], "required": True},
    {"name": "due", "type": "timestamp", "min": "2030-01-01", "max": "2031-12-31T23:59:59.5+02:00"},
    {"name": "noted", "type": "timestamp", "required": True, "default": "2026-01-01"},
    {"name": "sure", "type": "bool", "required": True},
    {"name": "short", "type": "str", "max_length": 3, "unique": True},
    {"name": "code", "type": "str", "pattern": "^XQ-[0-9]{7}$"},
    {"name": "word", "type": "str", "pattern": "(?i)^[a-z]+$"},
    {"name": "tags", "type": "json", "json_schema": {"type": "array", "items": {"type": "string"}}, "required": True},
    {"name": "shape", "type": "json", "json_schema": {"$ref": "#/$defs/s", "$defs": {"s": {"required": ["radius"], "type": "object"}}}},
]
VERSIONED = {"versioned": True, "max_records": 30, "max_bytes": 100_000_000}
TOOLS = {
    "described": {"schema": FIELDS},
    "secret": {"schema": FIELDS, "sensitive": True, "description": "Line 1\n\"Línea\" 2 <b>"},
    "ruled": {"schema": RULED, "strict": True, "notify": True, **VERSIONED},
    "whole": {},
    "whole_versioned": {"strict": True, **VERSIONED},
    "fieldless": {"schema": []},
    # It must have a value, and none is known that fits.
    "without_example": {"schema": [{"name": "code", "type": "str", "pattern": "^XQ-[0-9]{7}$", "required": True}]},
}
# What is a fault by the document, and what it cannot say: `42.0` is an integer in JSON Schema but no int here; U+0000,
# a lone surrogate or an offset of 16 hours are refused; without a token the answer is 422 (spec 001), not 401.
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "unsupported_method", "allow_header_conformance",
]


@pytest.fixture(scope="module")
def tools(stack):
    """One tool of each kind, by the name of its kind."""
    names = {}
    for kind, options in TOOLS.items():
        names[kind] = stack.new_name()
        arguments = {"tool_name": names[kind], "token": TOKEN} | options
        if "schema" in options:
            arguments["schema"] = json.dumps(options["schema"])
        named = ", ".join(f"{name} => %s" for name in arguments)
        stack.sql(f"select projectalpha.register_tool({named})", *arguments.values())
    # What is made at the first use of a key is there now.
    answer = stack.post(f"/tools/{names['fieldless']}", {}, ("token", TOKEN), ("Idempotency-Key", "first"))
    assert answer.status == 200, answer
    return names


def document_of(stack, name):
    answer = stack.get(f"/tools/{name}/openapi.json", ("token", TOKEN))
    assert answer.status == 200, answer
    return answer.json()


def resolved(document, part):
    """A part of the document, or what it refers to."""
    while "$ref" in part:
        found = document
        for key in part["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        part = found
    return part


def validator(document, schema):
    # References are looked for in the whole document.
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]})


def check_answer(document, method, path, answer):
    """The answer has a status, content type and body that the document has for this operation."""
    path = re.sub("/records/[^/]+$", "/records/{record_id}", path.split("?")[0])
    operation = document["paths"][path][method.lower()]
    assert str(answer.status) in operation["responses"], (method, path, answer)
    response = resolved(document, operation["responses"][str(answer.status)])
    if "content" not in response:
        assert answer.body == b"", (method, path, answer)
        return
    [content_type] = answer.header("content-type")
    validator(document, response["content"][content_type]["schema"]).validate(answer.json())


BROKEN = {
    "email": "x" * 50, "rating": 0, "share": 2, "kind": "x", "due": "now", "tags": [1], "unknown": 1,
}


def parameters(document):
    for operations in document["paths"].values():
        for operation in operations.values():
            yield from (resolved(document, parameter) for parameter in operation.get("parameters", []))


def media(document):
    """Every body in the document: of requests and of answers."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for part in [operation.get("requestBody", {"content": {}}), *operation["responses"].values()]:
                yield from resolved(document, part).get("content", {}).values()


@pytest.mark.parametrize("kind", TOOLS)
def test_the_document_is_valid(stack, tools, kind):
    document = document_of(stack, tools[kind])
    OpenAPIV31SpecValidator(document).validate()
    rests = ["", "/records/{record_id}", "/records:batch", "/records:count", "/records:validate", "/openapi.json"]
    if kind == "ruled":
        rests.append("/records:upsert")
    assert set(document["paths"]) == {f"/tools/{tools[kind]}{rest}" for rest in rests}
    assert document["info"].get("description") == TOOLS[kind].get("description")


@pytest.mark.parametrize("kind", TOOLS)
def test_every_example_fits(stack, tools, kind):
    document = document_of(stack, tools[kind])
    bodies = list(media(document))
    assert len(bodies) > 40
    for body in bodies:
        if "example" in body:
            validator(document, body["schema"]).validate(body["example"])
    # Without one are: a record sent (3 times, batch, validate) and given (3 times).
    assert [body for body in bodies if "example" not in body] == [] or kind == "without_example"
    for parameter in parameters(document):
        if "example" in parameter:
            validator(document, parameter["schema"]).validate(parameter["example"])


def example_of(document, method, path):
    return document["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]


@pytest.mark.parametrize("kind", [kind for kind in TOOLS if kind != "without_example"])
def test_examples_can_be_stored_and_come_back(stack, tools, kind):
    name = tools[kind]
    stack.sql(f"truncate projectalpha_data.tool_{name} restart identity")
    document = document_of(stack, name)
    path = f"/tools/{name}"

    def expect(method, url, body=None, *headers, status=200):
        answer = stack.http(method, url, [("token", TOKEN), *headers], None if body is None else json.dumps(body).encode())
        assert answer.status == status, answer
        check_answer(document, method, url, answer)
        return answer

    assert expect("POST", f"{path}/records:validate", example_of(document, "post", f"{path}/records:validate")).json() == []
    expect("POST", path, example_of(document, "post", path), ("Idempotency-Key", "a-key"))
    expect("GET", f"{path}/records/1")
    expect("PATCH", f"{path}/records/1", example_of(document, "patch", path + "/records/{record_id}"))
    assert expect("GET", f"{path}/records:count?id.eq=1").json() == {"count": 1}
    if kind == "ruled":
        upserted = expect("POST", f"{path}/records:upsert?on_field=email", example_of(document, "post", f"{path}/records:upsert"))
        assert upserted.json() == {"id": 1, "inserted": False}
    expect("DELETE", f"{path}/records/1")
    expect("POST", f"{path}/records:batch", example_of(document, "post", f"{path}/records:batch"))
    expect("POST", path, example_of(document, "post", path), status=409 if kind == "ruled" else 200)
    answer = stack.get(f"/tools/{name}?limit=2", ("token", TOKEN))
    check_answer(document, "GET", f"/tools/{name}", answer)
    listed = document["paths"][f"/tools/{name}"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    own = ["id", "created_at", "updated_at", "version"]
    for shown, said in zip(answer.json(), listed, strict=True):
        assert list(shown) == list(said)
        assert {key: shown[key] for key in shown if key not in own} == {key: said[key] for key in said if key not in own}
    answer = expect("GET", f"{path}?limit=1&order_by=-id")
    assert answer.header("link")[0].startswith(f"</tools/{name}?limit=1&order_by=-id&after=")


def test_each_status_is_as_described(stack, tools):
    name = tools["secret"]
    document = document_of(stack, name)
    path, batch = f"/tools/{name}", f"/tools/{name}/records:batch"
    good, wrong = ("token", TOKEN), ("token", WRONG)

    def expect(status, method, path, *headers, body=None):
        answer = stack.http(method, path, headers, body)
        assert answer.status == status, answer
        check_answer(document, method, path, answer)

    stack.sql(f"truncate projectalpha_data.tool_{name} restart identity")
    expect(200, "POST", path, good, body=b"{}")
    expect(200, "POST", batch, good, body=b"[]")
    for url in (path, batch):
        expect(400, "POST", url, good, body=b'{"user_id": "x"}' if url == path else b'[{"user_id": "x"}]')
        expect(401, "POST", url, wrong, body=b"{}" if url == path else b"[]")
        expect(413, "POST", url, good, body=b" " * (1 << 21))
        expect(422, "POST", url, good, body=b"nonsense")
        expect(422, "POST", url, body=b"[]")
    expect(200, "GET", path, good)
    expect(401, "GET", path)
    expect(422, "GET", path + "?limit=x", good)
    expect(200, "GET", path + "/openapi.json", good)
    expect(401, "GET", path + "/openapi.json")
    expect(403, "GET", path + "/openapi.json", ("admin-token", WRONG))
    one = path + "/records/1"
    expect(200, "GET", one, good)
    expect(401, "GET", one)
    expect(404, "GET", path + "/records/999999999", good)
    expect(422, "GET", path + "/records/x", good)
    expect(400, "GET", path + "?user_id.gt=x", good)
    expect(400, "GET", path + "/records:count?nobody.eq=1", good)
    expect(401, "GET", path + "/records:count")
    expect(400, "PATCH", one, good, body=b'{"user_id": "x"}')
    expect(401, "PATCH", one, wrong, body=b"{}")
    expect(404, "PATCH", path + "/records/999999999", good, body=b"{}")
    expect(413, "PATCH", one, good, body=b" " * (1 << 21))
    expect(422, "PATCH", one, body=b"{}")
    expect(401, "DELETE", one, wrong)
    expect(422, "DELETE", one)
    expect(200, "DELETE", one, good)
    expect(404, "DELETE", one, good)
    expect(401, "POST", path + "/records:validate", body=b"{}")
    expect(413, "POST", path + "/records:validate", good, body=b" " * (1 << 21))
    expect(422, "POST", path + "/records:validate", good, body=b"[]")
    expect(403, "DELETE", path, ("admin-token", WRONG))
    expect(422, "DELETE", path)
    stack.sql(f"alter table projectalpha_data.tool_{name} rename to away")
    expect(500, "POST", path, good, body=b"{}")
    expect(500, "GET", path, good)
    expect(500, "GET", path + "/openapi.json", good)
    expect(500, "GET", path + "/records:count", good)
    expect(500, "GET", one, good)
    expect(500, "PATCH", one, good, body=b"{}")
    expect(500, "DELETE", one, good)
    expect(500, "POST", path + "/records:validate", good, body=b"{}")
    stack.sql(f"alter table projectalpha_data.away rename to tool_{name}")


def test_each_status_of_rules_and_options_is_as_described(stack, tools):
    name = tools["ruled"]
    stack.sql(f"truncate projectalpha_data.tool_{name} restart identity")
    document = document_of(stack, name)
    path, good = f"/tools/{name}", ("token", TOKEN)
    record = example_of(document, "post", path)

    def expect(status, method, path, *headers, body=None):
        answer = stack.http(method, path, [good, *headers], None if body is None else json.dumps(body).encode())
        assert answer.status == status, answer
        check_answer(document, method, path, answer)
        return answer

    key = ("Idempotency-Key", "one-key")
    expect(200, "POST", path, key, body=record)
    expect(200, "POST", path, key, body=record)
    expect(409, "POST", path, key, body=record | {"rating": 4})
    expect(409, "POST", path, body=record)
    expect(409, "POST", path + "/records:batch", body=[record])
    expect(400, "POST", path, ("Idempotency-Key", ""), body=record)
    expect(400, "POST", path, body=record | {"unknown": 1})
    other = record | {"email": "other@example.org", "short": "o"}
    expect(200, "POST", path + "/records:upsert?on_field=email", body=other)
    expect(409, "POST", path + "/records:upsert?on_field=email", body=other | {"short": record["short"]})
    expect(400, "POST", path + "/records:upsert?on_field=rating", body=other)
    expect(422, "POST", path + "/records:upsert", body=other)
    one = path + "/records/1"
    assert expect(200, "GET", one).header("etag") == ['"1"']
    expect(304, "GET", one, ("If-None-Match", '"1"'))
    expect(412, "PATCH", one, ("If-Match", '"7"'), body={"rating": 1})
    assert expect(200, "PATCH", one, ("If-Match", '"1"'), body={"rating": 1}).header("etag") == ['"2"']
    expect(409, "PATCH", one, body={"email": other["email"]})
    expect(412, "DELETE", one, ("If-Match", '"1"'))
    violations = expect(200, "POST", path + "/records:validate", body=BROKEN).json()
    schema = document["components"]["schemas"]["Violation"]
    assert {violation["rule"] for violation in violations} == set(schema["properties"]["rule"]["enum"])
    many = [{**record, "email": f"{number}@example.org", "short": None} for number in range(40)]
    expect(507, "POST", path + "/records:batch", body=many)
    expect(200, "POST", path + "/records:batch", body=many[:28])
    expect(507, "POST", path, body=many[29])
    expect(507, "POST", path + "/records:upsert?on_field=email", body=many[29])


def record_schema(document, name="NewRecord"):
    return document["components"]["schemas"][name]


def test_rules_are_in_the_schema(stack, tools):
    document = document_of(stack, tools["ruled"])
    schema = record_schema(document)
    fields = schema["properties"]
    assert schema["required"] == ["email", "level", "sure", "tags"] and schema["additionalProperties"] is False
    assert fields["email"]["type"] == "string" and fields["email"]["maxLength"] == 40
    assert fields["email"]["pattern"] == "^[^@]+@[a-z.]+$"
    assert (fields["rating"]["minimum"], fields["rating"]["maximum"], fields["rating"]["default"]) == (1, 5, 3)
    assert fields["kind"]["enum"] == ["bug", "wish", None] and fields["level"]["enum"] == [7, 8]
    assert "pattern" not in fields["word"] and "(?i)" in fields["word"]["description"]
    assert "At least 2030-01-01." in fields["due"]["description"]
    changes = record_schema(document, "Changes")
    assert "required" not in changes and "default" not in changes["properties"]["rating"]
    shown = record_schema(document, "Record")["properties"]
    assert [name for name, field in shown.items() if field.get("readOnly")] == ["id", "created_at", "updated_at", "version"]
    # And it refuses what the service refuses.
    good = example_of(document, "post", f"/tools/{tools['ruled']}")
    for broken in [{"email": "x"}, {"email": None}, {"rating": 6}, {"kind": "x"}, {"short": "abcd"}, {"tags": [1]}, {"tags": None},
                   {"unknown": 1}, {"share": 1.5}, {"sure": None}]:
        assert not validator(document, schema).is_valid(good | broken), broken
        assert stack.post(f"/tools/{tools['ruled']}", good | broken, ("token", TOKEN)).status == 400, broken
    assert "code" not in good and "shape" not in good and good["due"].startswith("2030")


def test_what_a_tool_does_not_have_is_not_in_its_document(stack, tools):
    plain, ruled = (json.dumps(document_of(stack, tools[kind])) for kind in ("described", "ruled"))
    for part in ("If-Match", "If-None-Match", "ETag", '"304"', '"412"', '"507"', "on_field", "updated_at.eq"):
        assert (part in plain, part in ruled) == (False, True), part
    without = document_of(stack, tools["without_example"])
    bodies = [body for body in media(without) if "example" not in body]
    assert len(bodies) == 6
    assert "example" not in without["components"]["schemas"]["Record"]


def test_every_filter_is_one(stack, tools):
    """Each field with each of its operators; values as the document has them."""
    name = tools["described"]
    document = document_of(stack, name)
    values = {"integer": "1", "string": "x", "boolean": "true", "number": "1.5"}
    sent = []
    for parameter in document["components"]["parameters"].values():
        schema = parameter.get("schema", {})
        schema = schema.get("items", schema)
        value = values.get(schema.get("type"), "1")
        value = "2026-02-05T10:30:00" if schema.get("format") == "date-time" else value
        value = "1" if schema.get("description") == "JSON text." else value
        for url in (f"/tools/{name}?{parameter['name']}={value}", f"/tools/{name}/records:count?{parameter['name']}={value}"):
            answer = stack.get(url)
            assert answer.status == 200, (url, answer)
            check_answer(document, "GET", url, answer)
        sent.append(parameter["name"])
    assert {"id.gt", "user_id.in", "feedback.like", "extra.contains", "created_at.lte", "select.is_null"} <= set(sent)
    assert not {"feedback.contains", "happy.lt", "extra.gt", "user_id.like"} & set(sent)
    orders = next(p for p in parameters(document) if p["name"] == "order_by")["schema"]["enum"]
    assert "-user_id" in orders and "extra" not in orders
    for order in orders:
        assert stack.get(f"/tools/{name}?order_by={order}").status == 200, order


def test_the_document_of_the_widest_tool_is_given(stack):
    name = stack.new_name()
    schema = json.dumps([{"name": f"field_{number}", "type": "str"} for number in range(500)])
    stack.sql("select projectalpha.register_tool(%s, %s, %s)", name, TOKEN, schema)
    document = document_of(stack, name)
    assert len(document["components"]["parameters"]) > 4000


def test_deleting_is_as_described(stack, tools):
    name = stack.new_name()
    stack.sql("select projectalpha.register_tool(%s, %s)", name, TOKEN)
    document = document_of(stack, name)
    path = f"/tools/{name}"
    answer = stack.delete(path, stack.admin)
    assert answer.status == 200
    check_answer(document, "DELETE", path, answer)
    said = document["paths"][path]["delete"]["responses"]["200"]["content"]["application/json"]["example"]
    assert answer.json() == said
    for method, url, header in [
        ("DELETE", path, stack.admin), ("GET", path, stack.admin), ("POST", path, ("token", TOKEN)),
        ("POST", path + "/records:batch", ("token", TOKEN)), ("GET", path + "/openapi.json", ("token", TOKEN)),
    ]:
        answer = stack.http(method, url, [header], b"[]" if url.endswith("batch") else b"{}" if method == "POST" else None)
        assert answer.status == 404, answer
        check_answer(document, method, url, answer)


def with_few_filters(document):
    """The document with one filter for each operator and type: all of them together take minutes."""
    kept = {}
    for name, parameter in document["components"]["parameters"].items():
        kind = json.dumps({key: value for key, value in parameter.items() if key != "name"})
        kept.setdefault((name.split(".")[1], kind), f"#/components/parameters/{name}")
    for operations in document["paths"].values():
        for operation in operations.values():
            if "parameters" in operation:
                operation["parameters"] = [p for p in operation["parameters"] if p.get("$ref", "") in ["", *kept.values()]]
    return document


def fuzz(stack, document, token, folder):
    """Sends what the document allows, and what it does not; gives the exit code and what schemathesis says."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(with_few_filters(document)))
    done = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis", "run", path, "--url", stack.url, "--header", f"token: {token}",
            "--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--max-examples", "15", "--seed", "20260205",
            "--generation-database", "none", "--no-shrink", "--no-color", "--workers", "1",
        ],
        cwd=folder, env=os.environ | {"COLUMNS": "200"}, capture_output=True, text=True, timeout=300,
    )
    return done.returncode, done.stdout[:20000] + done.stderr[-5000:]


@pytest.mark.parametrize("kind, token", [("described", TOKEN), ("secret", WRONG), ("ruled", TOKEN), ("whole", TOKEN)])
def test_no_answer_is_undocumented(stack, tools, kind, token, tmp_path):
    document = document_of(stack, tools[kind])
    # With room: 507 would count as a fault of the server.
    stack.sql(f"truncate projectalpha_data.tool_{tools[kind]} restart identity")
    if "max_records" in TOOLS[kind]:
        stack.sql("select projectalpha.alter_tool(%s, %s)", tools[kind], '[{"options": {"max_records": 100000}}]')
    before = stack.footprint()
    code, said = fuzz(stack, document, token, tmp_path)
    assert code == 0, said
    operations = sum(map(len, document["paths"].values()))
    assert f"{operations} selected / {operations} total" in said, said
    assert stack.footprint() == before


def test_a_document_that_lies_is_found_out(stack, tools, tmp_path):
    document = document_of(stack, tools["described"])
    path = f"/tools/{tools['described']}"
    operations = document["paths"][path]
    del operations["post"]["responses"]["401"]
    operations["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {"type": "object"}
    document["paths"] = {path: operations}
    code, said = fuzz(stack, document, WRONG, tmp_path)
    assert code == 1 and "Undocumented status code" in said and "Response violates schema" in said, said
