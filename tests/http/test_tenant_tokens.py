"""Tenants' tokens, one thing at a time: what a token that does not fit is told, what sessions keep, who waits for whom."""

import json
import re

import psycopg
import pytest

from tenant_calls import Call, Rpc, Sql, Urls

PAYLOAD = {"code": 1, "secret": "of nobody"}
PROJECT_CALLS = {
    "adapt_prompt": {"prompt_id": 1, "content": "x"}, "render_prompt": {"prompt_id": 1},
    "store_content": {"object_model_id": 1, "title": "t", "body": "b"},
    "set_vocabulary": {"term": "t", "definition": "d"}, "set_metadata": {"key": "k", "value": 1},
    "record_llm_usage": {"prompt_id": 1, "model": "m", "tokens_in": 1, "tokens_out": 1, "cost": 1},
}


def calls(tool, token):
    """A call of everything that takes a tool's token, with what would be right but for the token."""
    one = {"tool_name": tool, "token": token}
    page = {"row_limit": 5, "row_offset": 0, "after_id": None}
    return [
        Call("store_record", one | {"payload": PAYLOAD, "idempotency_key": "key"}),
        Call("store_records", one | {"payloads": [PAYLOAD]}),
        Call("upsert_record", one | {"payload": PAYLOAD, "on_field": "code"}),
        Call("validate_record", one | {"payload": PAYLOAD}),
        Call("get_record", one | {"id": 1}),
        Call("update_record", one | {"id": 1, "changes": PAYLOAD, "if_version": None}),
        Call("delete_record", one | {"id": 1, "if_version": None}),
        Call("list_records", one | page | {"filter": None, "order_by": None, "after": None}, {"limit": 5}),
        Call("count_records", one | {"filter": None}),
        Call("store_configured", one | {"payload": PAYLOAD}),
        Call("list_configured", one | page, {"limit": 5}),
        Call("rotate_token", {"tool_name": tool, "current_token": token, "token": None, "grace": "0"}),
    ]


class Tenants:
    """A sensitive tool that can be posted to, and projects that use it; each has one record, with id 1 and code 1."""

    def __init__(self, stack):
        self.stack, self.tool = stack, stack.new_name()
        schema = [{"name": "code", "type": "int", "unique": True}, {"name": "secret", "type": "str"}]
        self.shared = f"shared-token-of-{self.tool}"
        self.register(self.tool, self.shared, schema)
        stack.sql("select projectalpha.configure_tool(%s, true, true)", self.tool)
        self.projects, self.tokens = {}, {}
        for name in ("ann", "bob"):
            self.add(name)
            self.store(self.tokens[name], f"of {name}")
        self.store(self.shared, "of all")

    def register(self, name, token, schema):
        self.stack.sql("select projectalpha.register_tool(%s, %s, %s::jsonb, true)", name, token, json.dumps(schema))

    def add(self, name):
        self.projects[name] = self.stack.value("select projectalpha.create_project(%s)", name)
        self.tokens[name] = self.enable(name, f"token-of-{name}-for-{self.tool}")

    def enable(self, name, token, tool=None):
        return self.stack.value("select projectalpha.enable_tool(%s, %s, %s)", tool or self.tool, self.projects[name], token)

    def store(self, token, secret, code=1):
        return self.stack.value(
            "select projectalpha.store_record(%s, %s, %s::jsonb)", self.tool, token, json.dumps({"code": code, "secret": secret}))

    def secrets(self, token):
        return [row["secret"] for row, in self.stack.sql(
            "select projectalpha.list_records(%s, token => %s)", self.tool, token)]


@pytest.fixture
def tenants(stack):
    return Tenants(stack)


@pytest.fixture
def app(stack):
    stack.sql("create role tenant_app login in role projectalpha_anon")
    with stack.connect(user="tenant_app", autocommit=True, options="-c statement_timeout=10s") as connection:
        yield connection
    stack.sql("drop owned by tenant_app cascade; drop role tenant_app")


def wrong_tokens(tenants):
    """Tokens of every kind that do not open the tool, each by why."""
    stack, t = tenants.stack, tenants
    other = stack.new_name()
    t.register(other, f"shared-token-of-{other}", [{"name": "code", "type": "int"}])
    found = {
        "never existed": "a-token-that-never-was", "too short": "x", "empty": "", "very long": "x" * 600,
        "admin": stack.admin_token, "common": stack.common_tokens[0], "of another tool": f"shared-token-of-{other}",
        "of ann for another tool": t.enable("ann", f"token-of-ann-for-{other}", other),
        "of ann's project": stack.value("select projectalpha.issue_project_token(%s)", t.projects["ann"]),
        "another case": t.tokens["ann"].upper(), "cut off": t.tokens["ann"][:-1],
        "the digest": stack.value("select encode(sha256(convert_to(%s, 'UTF8')), 'hex')", t.tokens["ann"]),
    }
    t.add("revoked")
    found["revoked"] = t.tokens["revoked"]
    stack.sql("select projectalpha.revoke_token(%s)", found["revoked"])
    t.add("rotated")
    found["rotated"] = t.tokens["rotated"]
    stack.sql("select projectalpha.rotate_token(%s, project_id => %s)", t.tool, t.projects["rotated"])
    t.add("expired")
    found["expired"] = t.tokens["expired"]
    stack.sql("update projectalpha.credentials set expires_at = now() - interval '1 s' where project_id = %s", t.projects["expired"])
    t.add("disabled")
    found["disabled"] = t.tokens["disabled"]
    stack.sql("select projectalpha.disable_tool(%s, %s)", t.tool, t.projects["disabled"])
    t.add("without table")
    found["without table"] = t.tokens["without table"]
    stack.sql("select projectalpha.disable_tool(%s, %s, keep_data => false)", t.tool, t.projects["without table"])
    t.add("dropped")
    found["dropped"] = t.tokens["dropped"]
    stack.sql("select projectalpha.drop_project(%s, 'dropped')", t.projects["dropped"])
    return found


def test_every_token_that_does_not_fit_is_told_the_same(stack, app, tenants):
    wrong = wrong_tokens(tenants)
    everything = {name: tenants.secrets(token) for name, token in tenants.tokens.items() if name in ("ann", "bob")}
    for face in (Sql(app), Rpc(stack), Urls(stack)):
        said = {}
        for why, token in wrong.items():
            for call in calls(tenants.tool, token):
                if not isinstance(face, Urls) or call.function in Urls.FUNCTIONS:
                    answer = face.send(call)
                    same = answer._replace(text=re.sub(r"\('date', '[^']*'\)", "", answer.text))
                    said.setdefault(call.function, {}).setdefault(same, []).append(why)
        for function, answers in said.items():
            assert len(answers) == 1, (str(face), function, answers)
            answer, = answers
            assert (answer.outcome, answer.code) == (
                "Unauthorized: Invalid token for this tool", 401 if isinstance(face, Urls) else "28000"), (str(face), function)
    assert everything == {"ann": ["of ann"], "bob": ["of bob"]}
    assert {name: tenants.secrets(tenants.tokens[name]) for name in everything} == everything
    assert tenants.secrets(tenants.shared) == ["of all"]


def test_every_token_that_does_not_fit_a_project_is_told_the_same(stack, app, tenants):
    project = tenants.projects["ann"]
    wrong = wrong_tokens(tenants) | {"of bob's project": stack.value(
        "select projectalpha.issue_project_token(%s)", tenants.projects["bob"]), "of ann for the tool": tenants.tokens["ann"]}
    del wrong["of ann's project"]
    revoked = stack.value("select projectalpha.issue_project_token(%s)", project)
    stack.sql("select projectalpha.revoke_token(%s)", revoked)
    reads = stack.value("select projectalpha.issue_project_token(%s, '{read}')", project)
    writes = stack.value("select projectalpha.issue_project_token(%s, '{write}')", project)
    for face in (Sql(app), Rpc(stack)):
        for function, arguments in PROJECT_CALLS.items():
            less = {"without the scope": writes if function == "render_prompt" else reads, "none": None, "revoked, of ann": revoked}
            said = {}
            for number in (project, 2147483647, 0, -1):  # one that is there, and those that are not
                for why, token in (wrong | less).items():
                    answer = face.send(Call(function, {"project_id": number, "token": token} | arguments))
                    said.setdefault(answer._replace(text=re.sub(r"\('date', '[^']*'\)", "", answer.text)), []).append((why, number))
            assert len(said) == 1, (str(face), function, said)
            answer, = said
            assert (answer.outcome, answer.code) == ("Invalid token for this project", "28000"), (str(face), function)


def test_of_a_public_tool_no_token_shows_more_than_none(stack, app, tenants):
    wrong = wrong_tokens(tenants)
    stack.sql("select projectalpha.configure_tool(%s, false, true)", tenants.tool)
    assert {tuple(tenants.secrets(token)) for token in [*wrong.values(), None]} == {("of all",)}
    # Whoever had a token of a tenant is not taken for everybody when he posts; others are.
    posted = {why: Sql(app).send(Call("store_configured", {"tool_name": tenants.tool, "token": token, "payload": {"code": 100 + n}}))
              for n, (why, token) in enumerate(wrong.items())}
    refused = {why for why, answer in posted.items() if answer.code == "28000"}
    assert refused == {"revoked", "rotated", "expired", "disabled", "without table", "dropped"}
    assert all(answer.code is None for why, answer in posted.items() if why not in refused)


def test_a_prepared_statement_follows_what_becomes_of_its_token(stack, app, tenants):
    tool, token = tenants.tool, tenants.tokens["ann"]
    app.execute("set plan_cache_mode = force_generic_plan")
    app.execute("""prepare list as select r->>'secret' from projectalpha.list_records($1, token => $2) as r""")
    app.execute("""prepare store as select projectalpha.store_record($1, $2, jsonb_build_object('secret', $3::text))""")

    def listed(of=token):
        try:
            return [secret for secret, in app.execute("execute list(%s, %s)" % (quoted(tool), quoted(of))).fetchall()]
        except psycopg.Error as error:
            return error.diag.message_primary

    def stored(of=token):
        try:
            app.execute("execute store(%s, %s, 'again')" % (quoted(tool), quoted(of)))
        except psycopg.Error as error:
            return error.diag.message_primary

    unauthorized = "Unauthorized: Invalid token for this tool"
    ann = tenants.projects["ann"]
    assert (listed(), stored(), listed()) == (["of ann"], None, ["of ann", "again"])
    assert (listed(tenants.tokens["bob"]), listed(tenants.shared)) == (["of bob"], ["of all"])
    stack.sql("select projectalpha.set_project_status(%s, 'suspended')", ann)
    assert (listed(), stored()) == (["of ann", "again"], "Project is suspended")
    stack.sql("select projectalpha.set_project_status(%s, 'archived')", ann)
    assert (listed(), stored()) == ("Project is archived", "Project is archived")
    stack.sql("select projectalpha.set_project_status(%s, 'active')", ann)
    stack.sql("select projectalpha.disable_tool(%s, %s)", tool, ann)
    assert (listed(), stored()) == (unauthorized, unauthorized)
    # The same token, for another project: it opens that one's table, and nothing of the one before.
    stack.sql("select projectalpha.disable_tool(%s, %s)", tool, tenants.projects["bob"])
    tenants.enable("bob", token)
    assert (listed(), stored(), listed()) == (["of bob"], None, ["of bob", "again"])
    again = tenants.enable("ann", "token-of-ann-once-more")
    assert (listed(again), listed()) == (["of ann", "again"], ["of bob", "again"])
    stack.sql("select projectalpha.drop_project(%s, 'bob')", tenants.projects["bob"])
    assert (listed(), stored(), listed(again)) == (unauthorized, unauthorized, ["of ann", "again"])
    stack.sql("select projectalpha.disable_tool(%s, %s, keep_data => false)", tool, ann)
    tenants.enable("ann", again := "token-of-ann-for-a-new-table")
    assert (listed(again), listed("token-of-ann-once-more")) == ([], unauthorized)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def test_a_token_that_was_rolled_back_is_none_in_the_session_that_used_it(stack, app, tenants):
    with stack.connect(autocommit=True) as dba:
        def secrets(token):
            try:
                with dba.transaction():
                    return [row["secret"] for row, in dba.execute(
                        "select projectalpha.list_records(%s, token => %s)", [tenants.tool, token])]
            except psycopg.Error as error:
                return error.sqlstate

        def enable(project, token):
            dba.execute("select projectalpha.enable_tool(%s, %s, %s)", [tenants.tool, project, token])
            dba.execute("select projectalpha.store_record(%s, %s, '{\"code\": 1, \"secret\": \"new\"}', 'key')", [tenants.tool, token])

        with dba.transaction(force_rollback=True):
            project = dba.execute("select projectalpha.create_project('new')").fetchone()[0]
            with dba.transaction(force_rollback=True):
                enable(project, "token-in-a-savepoint")
                assert secrets("token-in-a-savepoint") == ["new"]
            assert secrets("token-in-a-savepoint") == "28000"
            enable(project, "token-in-a-transaction")
            assert secrets("token-in-a-transaction") == ["new"]
            # Others do not see it yet, and do not wait for it.
            assert Sql(app).send(calls(tenants.tool, "token-in-a-transaction")[7]).code == "28000"
            # Given to another project and back again.
            with dba.transaction(force_rollback=True):
                dba.execute("select projectalpha.disable_tool(%s, %s)", [tenants.tool, tenants.projects["ann"]])
                dba.execute("select projectalpha.disable_tool(%s, %s)", [tenants.tool, project])
                enable(project, tenants.tokens["ann"])
                assert secrets(tenants.tokens["ann"]) == ["new"]
            assert secrets(tenants.tokens["ann"]) == ["of ann"]
        assert [secrets(f"token-in-a-{what}") for what in ("savepoint", "transaction")] == ["28000", "28000"]
        assert secrets(tenants.tokens["ann"]) == ["of ann"]
        # What is revoked, suspended or dropped and rolled back goes on.
        for change in (f"select projectalpha.revoke_token('{tenants.tokens['ann']}')",
                       f"select projectalpha.drop_project({tenants.projects['ann']}, 'ann')",
                       f"select projectalpha.disable_tool('{tenants.tool}', {tenants.projects['ann']}, false)"):
            with dba.transaction(force_rollback=True):
                dba.execute(change)
                assert secrets(tenants.tokens["ann"]) == "28000", change
            assert secrets(tenants.tokens["ann"]) == ["of ann"], change


def test_no_tenant_waits_for_another(stack, app, tenants):
    """The same key, the same unique value and the same id, for the first time, while the other's transaction is open."""
    def all_of(connection, name):
        tool, token = tenants.tool, tenants.tokens[name]
        connection.execute(
            "select projectalpha.store_record(%s, %s, '{\"code\": 2}', 'the same key')", [tool, token])
        connection.execute("select projectalpha.update_record(%s, %s, 1, '{\"code\": 3}')", [tool, token])
        connection.execute("select * from projectalpha.upsert_record(%s, %s, '{\"code\": 4}', 'code')", [tool, token])
        connection.execute("select projectalpha.delete_record(%s, %s, 1)", [tool, token])
        connection.execute("select projectalpha.rotate_token(%s, current_token => %s)", [tool, token])

    with stack.connect(user="tenant_app", options="-c statement_timeout=10s") as ann:
        all_of(ann, "ann")
        all_of(app, "bob")
        # Nor does an administrator who adds a third.
        with stack.connect(autocommit=True, options="-c statement_timeout=10s") as dba:
            third = dba.execute("select projectalpha.create_project('third')").fetchone()[0]
            dba.execute("select projectalpha.enable_tool(%s, %s, 'token-of-the-third')", [tenants.tool, third])
            dba.execute("select projectalpha.store_record(%s, 'token-of-the-third', '{\"code\": 2}', 'the same key')", [tenants.tool])
        ann.rollback()
    assert tenants.secrets(tenants.tokens["ann"]) == ["of ann"]
