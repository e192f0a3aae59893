"""The gate: every kind of tool x every kind of token x every call, over SQL and HTTP, against rules of the test's own."""

import re
from dataclasses import dataclass, field

import pytest

from gate_model import ANSWERS, REASONS, expect_call, expect_question
from gate_world import (
    BUILTIN, CALLS, CONFIGURED_CALLS, EVERY_SCOPE, OWN, Caller, Token, Tool, add_policy, anonymous_tokens, configure, issue, new_agent, outdate, register,
)

PLACES = ("shared", "active", "suspended")  # so many records are there: 1, 2, 3
NUMBER = "SELECT id FROM projectalpha.credentials WHERE digest = sha256(%s)"
SCOPES_OF_AGENTS = [BUILTIN, ["read"], ["write"], ["update"], ["delete"], ["read", "write", "update"], ["admin"], [OWN]]
EVERY_SCOPE_OF = ("public", "sensitive")  # other kinds of tools are tried with two of them


@dataclass
class World:
    stack: object
    caller: Caller
    db: object  # a connection of the superuser
    projects: dict
    anybody: list
    tools: dict = field(default_factory=dict)
    tokens: dict = field(default_factory=dict)  # by the kind of the tool

    def table(self, tool, place):
        return f"projectalpha_data.tool_{tool.name}" if place == "shared" else f"project_{self.projects[place]}.tool_{tool.name}"

    def places(self, tool):
        return PLACES if tool.stored and not tool.configured else PLACES[:1] if tool.stored else ()

    def reset(self, tool):
        """Has every table of the tool hold the records that say where they are, and no others."""
        for place in self.places(tool):
            columns, value = ("data", "jsonb_build_object('n', i, 's', %(place)s::text)") if tool.whole else ("n, s", "i, %(place)s::text")
            with self.db.transaction():
                self.db.execute(f"DELETE FROM {self.table(tool, place)}")
                self.db.execute(
                    f"INSERT INTO {self.table(tool, place)} (id, {columns}) OVERRIDING SYSTEM VALUE SELECT i, {value} FROM generate_series(1, %(many)s) AS i",
                    {"place": place, "many": PLACES.index(place) + 1},
                )
                self.db.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1000)", [self.table(tool, place)])

    def contents(self, tool, db=None):
        """What is in the tables, but for times: a record that is put back has another one."""
        row = "data::text" if tool.whole else "(n, s)::text"
        if not tool.stored:
            return {}
        asked = [f"(SELECT string_agg(id || {row}, ' ' ORDER BY id) FROM {self.table(tool, place)})" for place in self.places(tool)]
        return dict(zip(self.places(tool), (db or self.db).execute(f"SELECT {', '.join(asked)}").fetchone()))


def tokens_of(world, tool, first):
    """The tool's own and those of agents, in every state that a token can be in."""
    stack, name = world.stack, tool.name
    add_policy(stack, name, "listed", "allow", ["*"], {"roles": ["listed"]}, EVERY_SCOPE)
    add_policy(stack, name, "over", "allow", ["*"], {"valid_until": "2001-01-01"}, EVERY_SCOPE, priority=7)
    tokens, may = [], dict(tool=name, scopes=("read", "write"))
    if not tool.configured or not tool.sensitive:
        tokens.append(Token("rotated", first, live=False, tool=name))
        first = stack.value("SELECT projectalpha.rotate_token(%s)", name)
    tokens.append(Token("outdated", first, live=False, tool=name))
    own = stack.value("SELECT projectalpha.rotate_token(%s, grace => '1 hour')", name)
    outdate(stack, first)
    tokens.append(Token("own", own, **may))
    # Scopes that only a DBA gives to a tool's own token.
    for scopes in (["read"], ["update"], ["admin"]) if tool.kind in EVERY_SCOPE_OF else ():
        graced = own
        own = stack.value("SELECT projectalpha.rotate_token(%s, grace => '1 hour')", name)
        tokens[-1] = Token("own", own, **may)
        stack.sql("UPDATE projectalpha.credentials SET scopes = %s WHERE digest = sha256(%s)", scopes, graced.encode())
        tokens.insert(0, Token(f"own {scopes}", graced, tool=name, scopes=tuple(scopes)))

    listed, _ = new_agent(stack, ["other", "listed"])
    unlisted, _ = new_agent(stack, ["other"])
    silent, _ = new_agent(stack, ["listed"])
    of_agent = dict(tool=name, of_agent=True)
    for scopes in SCOPES_OF_AGENTS if tool.kind in EVERY_SCOPE_OF else SCOPES_OF_AGENTS[:2]:
        tokens.append(Token(f"agent {scopes}", issue(stack, listed, name, scopes), scopes=tuple(scopes), **of_agent))
    tokens.append(Token("unlisted agent", issue(stack, unlisted, name, BUILTIN), scopes=tuple(BUILTIN), listed=False, **of_agent))
    tokens.append(Token("silent agent", issue(stack, silent, name, BUILTIN), live=False, **of_agent))
    stack.sql("SELECT projectalpha.deactivate_agent(%s)", silent)
    outdated, revoked = (issue(stack, listed, name, BUILTIN) for _ in range(2))
    tokens += [Token("outdated agent's", outdated, live=False, **of_agent), Token("revoked agent's", revoked, live=False, **of_agent)]
    outdate(stack, outdated)
    stack.sql("SELECT projectalpha.revoke_credential(%s)", stack.value(NUMBER, revoked.encode()))

    if len(world.places(tool)) > 1:
        for state in PLACES[1:]:
            project = world.projects[state]
            of_project = stack.value("SELECT projectalpha.enable_tool(%s, %s)", name, project)
            tokens.append(Token(f"{state} project", of_project, project=state, **may))
            tokens.append(Token(f"agent, {state} project", issue(stack, listed, name, BUILTIN, project), scopes=tuple(BUILTIN), project=state, **of_agent))
            tokens.append(Token(f"reader, {state} project", issue(stack, listed, name, ["read"], project), scopes=("read",), project=state, **of_agent))
    return tokens


@pytest.fixture(scope="module")
def world(stack):
    projects = {state: stack.value("SELECT projectalpha.create_project(%s)", stack.new_name()) for state in PLACES[1:]}
    agent, api_key = new_agent(stack, ["listed"])
    world = World(stack, Caller(stack), stack.connect(autocommit=True), projects, anonymous_tokens(stack, api_key, projects["active"]))
    foreign, foreign_token = register(stack, "foreign")
    add_policy(stack, foreign, "all", "allow", ["*"], scopes=EVERY_SCOPE)
    world.anybody += [
        Token("another tool's", foreign_token, tool=foreign, scopes=("read", "write")),
        Token("agent's of another tool", issue(stack, agent, foreign, EVERY_SCOPE), tool=foreign, scopes=tuple(EVERY_SCOPE), of_agent=True),
    ]
    made = {
        "public": register(stack, "public"), "sensitive": register(stack, "sensitive", sensitive=True),
        "versioned": register(stack, "versioned", versioned=True), "whole": register(stack, "whole", schema=None),
        "inactive": register(stack, "inactive"), "stored elsewhere": register(stack, "none", schema=None, storage="none"),
        "configured": configure(stack, "configured", False), "configured sensitive": configure(stack, "secret", True),
    }
    for kind, (name, token) in made.items():
        tool = Tool(name, kind, sensitive="sensitive" in kind, stored=kind != "stored elsewhere", active=kind != "inactive",
                    whole=kind in ("whole", "configured", "configured sensitive"), configured=kind.startswith("configured"))
        world.tools[kind] = tool
        world.tokens[kind] = tokens_of(world, tool, token)
        if not tool.active:
            stack.sql("SELECT projectalpha.deactivate_tool(%s)", name)
    stack.sql("SELECT projectalpha.set_project_status(%s, 'suspended')", projects["suspended"])
    return world


KINDS = ["public", "sensitive", "versioned", "whole", "inactive", "stored elsewhere", "configured", "configured sensitive"]


def calls_of(tool):
    calls = [call for call in CALLS.values() if not tool.whole or call.name != "upsert"]
    return calls + CONFIGURED_CALLS if tool.configured else calls


def cells(world, kind):
    tool = world.tools[kind]
    for token in [*world.anybody, *world.tokens[kind]]:
        for call in calls_of(tool):
            yield tool, token, call, expect_call(tool, token, call)


def check_answer(told, expected, call, face):
    """The words, and whose records the answer shows."""
    if expected.answer == "passes":
        assert (told.sqlstate is None and told.status in (None, 200)), told
        if call.name in ("list", "get", "list configured"):
            assert [place for place in PLACES if f'"{place}"' in told.message.replace("\\", "")] == [expected.place], told
        if call.name == "count":
            assert re.sub(r"\D", "", told.message) == str(PLACES.index(expected.place) + 1)
        return
    sqlstate, status, message = ANSWERS[expected.answer]
    if face == "sql":
        assert (told.sqlstate, told.message) == (sqlstate, message)
    else:
        assert (told.status, told.message) == (status, f'{{"detail":"{message}"}}')


def check_effect(before, after, expected, call):
    changed = [place for place in before if before[place] != after[place]]
    assert changed == ([expected.place] if call.writes and expected.answer == "passes" else [])


def collect(world, kind, try_cell):
    """Tries every cell; all that are wrong are shown at once."""
    wrong, many = [], 0
    for tool, token, call, expected in cells(world, kind):
        many += 1
        try:
            try_cell(tool, token, call, expected)
        except AssertionError as error:
            wrong.append(f"{kind} tool, token: {token.kind}, {call.name}, expected {expected}: {str(error)[:400]}")
    assert many > 150
    assert not wrong, f"{len(wrong)} of {many}\n" + "\n".join(wrong[:20])


@pytest.mark.parametrize("kind", KINDS)
def test_over_sql(world, kind):
    world.reset(world.tools[kind])
    with world.stack.connect() as db:
        before = world.contents(world.tools[kind])

        def try_cell(tool, token, call, expected):
            with db.transaction(force_rollback=True):
                db.execute("SET LOCAL ROLE projectalpha_anon")
                told = None
                try:
                    with db.transaction():
                        told = world.caller.sql(call, tool.name, token.text, db=db)
                        if told.sqlstate:
                            raise RuntimeError
                except RuntimeError:
                    pass
                db.execute("RESET ROLE")
                check_answer(told, expected, call, "sql")
                check_effect(before, world.contents(tool, db), expected, call)

        collect(world, kind, try_cell)


@pytest.mark.parametrize("kind", KINDS)
def test_over_http(world, kind):
    tool = world.tools[kind]
    world.reset(tool)
    before = world.contents(tool)

    def try_cell(tool, token, call, expected):
        told = world.caller.http(call, tool.name, token.text)
        if token.text is None and call.writes and call.name != "post":
            # The contract asks for the header itself.
            assert told.status == 422 and '"loc":["header","token"]' in told.message
        else:
            check_answer(told, expected, call, "http")
        after = world.contents(tool)
        if after != before:
            world.reset(tool)
        check_effect(before, after, expected, call)

    collect(world, kind, try_cell)


@pytest.mark.parametrize("kind", KINDS)
def test_the_questions_have_the_answers_of_the_calls(world, kind):
    """check_access() and explain_access(), and why."""
    tool, wrong = world.tools[kind], []
    for token in [*world.anybody, *world.tokens[kind]]:
        for action in [*BUILTIN, OWN]:
            expected = expect_question(tool, token, action)
            if token.text is None and token.kind != "none":
                continue
            explained = world.caller.explain(tool.name, token.text, action)
            told = (world.caller.check(tool.name, token.text, action), explained["allowed"])
            fits = re.match(REASONS[expected.reason], explained["because"])
            decided = [step["name"] for step in explained["policies"] if step["outcome"] == "decides"]
            if told != (expected.answer == "passes",) * 2 or not fits or expected.reason in ("policy", "no policy") and (expected.reason == "policy") != (decided == ["listed"]):
                wrong.append((token.kind, action, expected, told, explained["because"]))
            if token.kind in ("own", "unlisted agent", "revoked agent's", "silent agent"):
                number = world.stack.value(NUMBER, token.text.encode())
                assert world.caller.explain(tool.name, None, action, credential=number) == explained
    assert not wrong, wrong[:20]


def test_every_dead_token_is_explained(world):
    tool = world.tools["sensitive"]
    reasons = {
        "wrong": "no credential of the tool has that token", "rotated": "the credential is revoked", "outdated": "the credential has expired",
        "silent agent": "its agent is not active", "outdated agent's": "the credential has expired", "revoked agent's": "the credential is revoked",
        "another tool's": "no credential of the tool has that token",
    }
    for token in [*world.anybody, *world.tokens["sensitive"]]:
        if reason := reasons.get(token.kind):
            assert world.caller.explain(tool.name, token.text, "read")["because"].endswith(f": {reason}"), token.kind


def test_what_is_not_known_is_not_allowed(world):
    check = world.caller.check
    tool, tokens = world.tools["public"], {token.kind: token for token in world.tokens["public"]}
    for token in (None, tokens["own"].text, tokens["agent ['admin']"].text):
        assert not check("no_such_tool", token, "read")
        assert not check("No name of a tool", token, "read")
        for action in ("", "publish", "agent", "*", "READ", "read ", "x" * 1000):
            assert not check(tool.name, token, action)
        # Whether somebody administers the tool can be asked.
        assert check(tool.name, token, "admin") == (token == tokens["agent ['admin']"].text)


def test_who_may_not_read_is_not_shown_what_was_there(world):
    tool = world.tools["public"]
    world.reset(tool)
    for token in world.tokens["public"]:
        if token.kind in ("agent ['update']", "agent ['admin']", "own"):
            shown = world.caller.http(CALLS["update"], tool.name, token.text)
            assert shown.status == 200 and ('"changed"' in shown.message) == (token.kind != "agent ['update']")
