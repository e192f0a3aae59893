"""The OpenAPI document of a tool: valid, and true of what the service answers."""

import json
import os
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
TOOLS = {
    "described": {"schema": FIELDS},
    "secret": {"schema": FIELDS, "sensitive": True, "description": "Line 1\n\"Línea\" 2 <b>"},
    "whole": {},
    "fieldless": {"schema": []},
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
        schema = json.dumps(options["schema"]) if "schema" in options else None
        stack.sql(
            "select projectalpha.register_tool(tool_name => %s, token => %s, schema => %s, sensitive => %s, description => %s)",
            names[kind], TOKEN, schema, options.get("sensitive", False), options.get("description"),
        )
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
    operation = document["paths"][path.split("?")[0]][method.lower()]
    assert str(answer.status) in operation["responses"], (method, path, answer)
    response = resolved(document, operation["responses"][str(answer.status)])
    [content_type] = answer.header("content-type")
    validator(document, response["content"][content_type]["schema"]).validate(answer.json())


def media(document):
    """Every body in the document: of requests and of answers."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for part in [operation.get("requestBody", {"content": {}}), *operation["responses"].values()]:
                yield from resolved(document, part)["content"].values()


@pytest.mark.parametrize("kind", TOOLS)
def test_the_document_is_valid(stack, tools, kind):
    document = document_of(stack, tools[kind])
    OpenAPIV31SpecValidator(document).validate()
    assert set(document["paths"]) == {f"/tools/{tools[kind]}{rest}" for rest in ("", "/records:batch", "/openapi.json")}
    assert document["info"].get("description") == TOOLS[kind].get("description")


@pytest.mark.parametrize("kind", TOOLS)
def test_every_example_fits(stack, tools, kind):
    document = document_of(stack, tools[kind])
    bodies = list(media(document))
    assert len(bodies) > 20
    for body in bodies:
        validator(document, body["schema"]).validate(body["example"])


@pytest.mark.parametrize("kind", TOOLS)
def test_examples_can_be_stored_and_come_back(stack, tools, kind):
    name = tools[kind]
    document = document_of(stack, name)
    for path in (f"/tools/{name}", f"/tools/{name}/records:batch"):
        example = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
        answer = stack.post(path, example, ("token", TOKEN))
        assert answer.status == 200, answer
        check_answer(document, "POST", path, answer)
    answer = stack.get(f"/tools/{name}?limit=2", ("token", TOKEN))
    check_answer(document, "GET", f"/tools/{name}", answer)
    listed = document["paths"][f"/tools/{name}"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    shown = [{**record, "id": 0, "created_at": ""} for record in answer.json()]
    assert shown[0] == {**listed[0], "id": 0, "created_at": ""}
    assert list(shown[0]) == list(listed[0])
    assert answer.header("link")[0].startswith(f"</tools/{name}?limit=2&after_id=")


def test_each_status_is_as_described(stack, tools):
    name = tools["secret"]
    document = document_of(stack, name)
    path, batch = f"/tools/{name}", f"/tools/{name}/records:batch"
    good, wrong = ("token", TOKEN), ("token", WRONG)

    def expect(status, method, path, *headers, body=None):
        answer = stack.http(method, path, headers, body)
        assert answer.status == status, answer
        check_answer(document, method, path, answer)

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
    expect(403, "DELETE", path, ("admin-token", WRONG))
    expect(422, "DELETE", path)
    stack.sql(f"alter table projectalpha_data.tool_{name} rename to away")
    expect(500, "POST", path, good, body=b"{}")
    expect(500, "GET", path, good)
    expect(500, "GET", path + "/openapi.json", good)
    stack.sql(f"alter table projectalpha_data.away rename to tool_{name}")


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


def fuzz(stack, document, token, folder):
    """Sends what the document allows, and what it does not; gives the exit code and what schemathesis says."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(document))
    done = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis", "run", path, "--url", stack.url, "--header", f"token: {token}",
            "--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--max-examples", "40", "--seed", "20260205",
            "--generation-database", "none", "--no-shrink", "--no-color", "--workers", "1",
        ],
        cwd=folder, env=os.environ | {"COLUMNS": "200"}, capture_output=True, text=True, timeout=300,
    )
    return done.returncode, done.stdout[:20000] + done.stderr[-5000:]


@pytest.mark.parametrize("kind, token", [("described", TOKEN), ("secret", TOKEN), ("secret", WRONG), ("whole", TOKEN)])
def test_no_answer_is_undocumented(stack, tools, kind, token, tmp_path):
    document = document_of(stack, tools[kind])
    before = stack.footprint()
    code, said = fuzz(stack, document, token, tmp_path)
    assert code == 0, said
    assert "5 selected / 5 total" in said, said
    assert stack.footprint() == before


def without_401(operations):
    del operations["post"]["responses"]["401"]


def with_another_body(operations):
    operations["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {"type": "object"}


@pytest.mark.parametrize("kind, lie, found", [
    ("secret", without_401, "Undocumented status code"), ("described", with_another_body, "Response violates schema"),
])
def test_a_document_that_lies_is_found_out(stack, tools, tmp_path, kind, lie, found):
    document = document_of(stack, tools[kind])
    lie(document["paths"][f"/tools/{tools[kind]}"])
    code, said = fuzz(stack, document, WRONG, tmp_path)
    assert code == 1 and found in said, said
