"""Object models, contents, prompts and usage at /rpc/: with a project's token, and with none that fits."""

import json

import pytest

STRUCTURE = {"type": "object", "required": ["author"], "properties": {"author": {"type": "string", "maxLength": 10}}}
REFUSED = {"code": "28000", "message": "Invalid token for this project", "details": None,
           "hint": "Tokens are made by projectalpha.issue_project_token()."}


class Project:
    def __init__(self, stack):
        self.stack = stack
        self.name = stack.new_name()
        self.id = stack.value("select projectalpha.create_project(%s)", self.name)
        self.token = self.new_token("{read,write}")
        self.model = stack.value(
            "select projectalpha.create_object_model(%s, '1', %s::jsonb)", self.name, json.dumps(STRUCTURE))
        self.prompt = stack.value(
            "select projectalpha.create_prompt(%s, %s, %s::jsonb)",
            self.name, "A {{tone}} teaser about {{topic}}", json.dumps({"tone": {"default": "dry"}}))

    def new_token(self, scopes):
        return self.stack.value("select projectalpha.issue_project_token(%s, %s)", self.id, scopes)

    def call(self, function, **arguments):
        return self.stack.post(f"/rpc/{function}", {"project_id": self.id, "token": self.token} | arguments)

    def rows(self, table):
        return self.stack.value(f"select count(*) from project_{self.id}.{table}")

    @property
    def calls(self):
        """A call of every function that takes a project's token."""
        return {
            "store_content": {
                "object_model_id": self.model, "title": "Bread", "body": "Take flour", "metadata": {"author": "Ann"}},
            "adapt_prompt": {"prompt_id": self.prompt, "content": "{{topic}}!"},
            "set_vocabulary": {"term": "sourdough", "definition": "Dough"},
            "set_metadata": {"key": "language", "value": "en"},
            "record_llm_usage": {
                "prompt_id": self.prompt, "model": "model-1", "tokens_in": 1, "tokens_out": 2, "cost": 0.1},
            "render_prompt": {"prompt_id": self.prompt, "parameters": {"topic": "bread"}},
        }


@pytest.fixture
def project(stack):
    return Project(stack)


def test_a_content_is_stored_as_it_was_sent(stack, project):
    metadata = {"author": "Änn", "n": 12345678901234567890, "nested": [1.50, None, {"a": ""}]}
    answer = project.call(
        "store_content", object_model_id=project.model, title="Bréad", body="Take\nflour", metadata=metadata)
    assert (answer.status, answer.json()) == (200, 1), answer
    answer = project.call("store_content", object_model_id=project.model, title=None, body="", metadata=metadata)
    assert (answer.status, answer.json()) == (200, 2), answer
    stored = stack.sql(
        f"""select c.title, c.body, c.metadata::text, o.name from project_{project.id}.contents as c
            join projectalpha.object_models as o on o.id = c.object_model_id order by c.id""")
    assert [(title, body, json.loads(text), name) for title, body, text, name in stored] == [
        ("Bréad", "Take\nflour", metadata, project.name), (None, "", metadata, project.name)]


def test_all_that_does_not_fit_the_model_is_told_and_nothing_of_it(project):
    answer = project.call(
        "store_content", object_model_id=project.model, title="t", body="b", metadata={"author": "a secret author"})
    assert answer.status == 400 and b"a secret" not in answer.body, answer
    assert answer.json() == {
        "code": "23514",
        "message": f"Metadata does not fit object model '{project.name}' version '1'",
        "details": "at '/author': value is longer than 10 characters",
        "hint": "SELECT structure FROM projectalpha.object_models shows what it must be.",
    }
    assert project.call("store_content", object_model_id=project.model, title="t", body="b").status == 400
    assert project.rows("contents") == 0


def test_a_prompt_is_rendered_as_the_project_has_it(project, stack):
    other = Project(stack)

    def rendered(of, **parameters):
        return of.call("render_prompt", prompt_id=project.prompt, parameters=parameters)

    assert rendered(project, topic="bread").json() == "A dry teaser about bread"
    assert rendered(project, topic="{{tone}} \"ü\"\n", tone=7).json() == 'A 7 teaser about {{tone}} "ü"\n'
    answer = project.call("adapt_prompt", prompt_id=project.prompt, content="{{topic}}, {{ tone }}!")
    assert answer.status in (200, 204), answer
    assert rendered(project, topic="bread").json() == "bread, dry!"
    assert rendered(other, topic="bread").json() == "A dry teaser about bread"
    for parameters, message in [
        ({}, "Missing parameter 'topic'"), ({"topic": None}, "Missing parameter 'topic'"),
        ({"topic": "x", "size": 1}, "Unknown parameter 'size'"),
    ]:
        answer = rendered(project, **parameters)
        assert (answer.status, answer.json()["message"]) == (400, message), answer


def test_what_is_recorded_is_on_the_bill_to_the_last_decimal(stack, project):
    # The second one as binary fractions make it.
    for cost in ("0.000001", "0.30000000000000004", "9999.999999"):
        body = json.dumps({"project_id": project.id, "token": project.token, "prompt_id": None, "model": "model-1",
                           "tokens_in": 3_000_000_000, "tokens_out": 0, "cost": "COST"}).replace('"COST"', cost)
        answer = stack.post("/rpc/record_llm_usage", body.encode())
        assert answer.status == 200 and isinstance(answer.json(), int), answer
    bill = stack.sql(
        "select calls, tokens_in, cost::text from projectalpha.llm_usage_daily where project_id = %s", project.id)
    assert bill == [(3, 9_000_000_000, "10000.3")]
    for wrong in ({"cost": -1}, {"cost": 10000}, {"cost": "NaN"}, {"cost": None}, {"tokens_in": -1}, {"model": ""}):
        answer = project.call("record_llm_usage", **project.calls["record_llm_usage"] | wrong)
        assert answer.status == 400, (wrong, answer)


def test_every_call_works_with_the_projects_token(project):
    for function, arguments in project.calls.items():
        answer = project.call(function, **arguments)
        assert answer.status in (200, 204), (function, answer)
    assert [project.rows(t) for t in ("contents", "prompt_components", "vocabulary", "metadata")] == [1] * 4


def test_every_other_token_is_refused_in_the_same_words(stack, project):
    other = Project(stack)
    revoked, expired = project.new_token("{read,write}"), project.new_token("{read,write}")
    stack.sql("select projectalpha.revoke_token(%s)", revoked)
    stack.sql(
        """update projectalpha.credentials set expires_at = now() - interval '1 s'
           where digest = sha256(convert_to(%s, 'UTF8'))""", expired)
    unfit = [
        {"token": token}
        for token in (other.token, revoked, expired, "wrong-token", "", None, stack.admin_token, stack.common_tokens[0])
    ] + [{"project_id": 10**15}, {"project_id": 0}, {"project_id": -1, "token": None}]
    before = stack.footprint()
    for function, arguments in project.calls.items():
        for change in [*unfit, {"token": project.new_token("{write}" if function == "render_prompt" else "{read}")}]:
            answer = project.call(function, **arguments | change)
            assert answer.status in (401, 403) and answer.json() == REFUSED, (function, change, answer)
    # Without the argument at all, and with wrong ones.
    answer = stack.post("/rpc/store_content", {
        "project_id": project.id, "object_model_id": None, "title": None, "body": None})
    assert answer.json() == REFUSED
    assert stack.footprint() == before
    assert [project.rows(t) for t in ("contents", "prompt_components", "vocabulary", "metadata")] == [0] * 4
    assert stack.sql("select from projectalpha.llm_usage_daily where project_id = %s", project.id) == []


@pytest.mark.parametrize("status", ["suspended", "archived"])
def test_a_project_that_is_not_active_is_not_written_to(stack, project, status):
    stack.sql("select projectalpha.set_project_status(%s, %s)", project.id, status)
    for function, arguments in project.calls.items():
        answer = project.call(function, **arguments)
        if function == "render_prompt" and status == "suspended":
            assert answer.status == 200, answer
        else:
            assert answer.status >= 400, (function, answer)
            assert (answer.json()["code"], answer.json()["message"]) == ("55000", f"Project is {status}")
        assert project.call(function, **arguments | {"token": "wrong-token"}).json() == REFUSED
    assert project.rows("contents") == 0


@pytest.mark.parametrize("function", [
    "create_object_model", "delete_object_model", "create_prompt", "update_prompt", "delete_prompt",
    "issue_project_token", "llm_usage_by_day",
])
def test_what_is_for_the_administrator_cannot_be_called(stack, project, function):
    before = stack.sql("select count(*) from projectalpha.credentials")
    for arguments in ({}, {"project_id": project.id}, {"object_model_id": project.model}, {"prompt_id": project.prompt},
                      {"name": "x", "version": "1", "structure": {}}, {"name": "x", "template": "x"}):
        assert stack.post(f"/rpc/{function}", arguments).status in (401, 403, 404)
    assert stack.sql("select count(*) from projectalpha.credentials") == before


def test_no_token_is_in_a_log(stack, project):
    for function, arguments in project.calls.items():
        project.call(function, **arguments)
        project.call(function, **arguments | {"token": project.token + "x"})
        project.call(function, **arguments | {"project_id": None})
    for name, log in stack.logs().items():
        assert project.token.encode() not in log, name
