"""What the access log keeps of each kind of attempt, at each level, over SQL and HTTP; and what it never does."""

import secrets

import pytest

from gate_world import BUILTIN, CALLS, EVERY_SCOPE, Caller, add_policy, issue, new_agent, outdate, register

MARK = "value-that-is-nobodys-business"
HIDDEN = "never-in-any-log"  # in payloads of those that are denied


class Attempts:
    """A tool with policies, and who uses it."""

    def __init__(self, stack):
        self.stack, self.caller = stack, Caller(stack)
        self.tool, own = register(stack, "logged", sensitive=True)
        stack.sql("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1000)", f"projectalpha_data.tool_{self.tool}")
        add_policy(stack, self.tool, "grants", "allow", ["*"], {"roles": ["x"]}, EVERY_SCOPE, priority=-9)
        agent, self.key = new_agent(stack, ["x"])
        tokens = {who: issue(stack, agent, self.tool, scopes) for who, scopes in {"agent": BUILTIN, "reader": ["read"], "outdated": BUILTIN, "revoked": BUILTIN}.items()}
        self.policies = {
            "no_delete": add_policy(stack, self.tool, "no_delete", "deny", ["delete"], {"roles": ["x"]}, priority=5),
            "rate": add_policy(stack, self.tool, "rate", "deny", ["write"], {"roles": ["x"], "rate": {"max": 2, "per": "1 day", "by": "policy"}}, priority=4),
            "grants": stack.value("SELECT id FROM projectalpha.policies WHERE name = 'grants' AND tool_id = (SELECT id FROM projectalpha.tools WHERE tool_name = %s)", self.tool),
        }
        outdate(stack, tokens["outdated"])
        stack.sql("UPDATE projectalpha.credentials SET revoked_at = now() WHERE digest = sha256(%s)", tokens["revoked"].encode())
        self.tokens = {"own": own, "none": None, "wrong": f"wrong-{secrets.token_hex(16)}", **tokens}
        self.facts = {
            who: (number, agent if who != "own" else None, scopes)
            for who in ("own", "agent", "reader")
            for number, scopes in stack.sql("SELECT id, scopes FROM projectalpha.credentials WHERE digest = sha256(%s)", self.tokens[who].encode())
        }

    def make(self, face, who, what, body):
        return getattr(self.caller, face)(CALLS[what], self.tool, self.tokens[who], body)

    def rows(self):
        if not self.stack.value("SELECT to_regclass('projectalpha_data.access_logs') IS NOT NULL"):
            return []  # made by the first attempt that is kept
        return self.stack.sql(
            """SELECT action, status, sqlstate, credential_id, agent_id, scopes, policy_id, face, host(request_ip), role_name, duration_ms >= 0, project_id, request_data
               FROM projectalpha_data.access_logs WHERE tool_name = %s ORDER BY logged_at""", self.tool)


# Who does what with which payload; action, status, SQLSTATE and the policy of the row. Over each face, in this order.
TABLE = [
    ("own", "store", {"s": MARK}, "write", "success", None, None),
    ("own", "batch", [{"s": MARK}, {"s": MARK}], "write", "success", None, None),
    ("own", "store", {"n": MARK}, "write", "error", "42804", None),
    ("own", "list", None, "read", "success", None, None),
    ("own", "count", None, "read", "success", None, None),
    ("own", "validate", {"s": MARK}, "read", "success", None, None),
    ("own", "get", None, "read", "error", "02000", None),  # there is no record 1
    ("own", "update", {"s": MARK}, "update", "error", "02000", None),
    ("own", "delete", None, "delete", "error", "02000", None),
    ("own", "upsert", {"n": 1, "s": MARK}, "write", "success", None, None),
    ("agent", "list", None, "read", "success", None, "grants"),
    ("agent", "delete", None, "delete", "denied", "42501", "no_delete"),
    ("agent", "store", {"s": MARK}, "write", "success", None, "grants"),
    ("reader", "store", {"s": HIDDEN}, "write", "denied", "42501", None),
    ("reader", "update", {"s": HIDDEN}, "update", "denied", "42501", None),
    ("wrong", "store", {"s": HIDDEN}, "write", "denied", "28000", None),
    ("wrong", "list", None, "read", "denied", "28000", None),
    ("wrong", "upsert", {"n": 1, "s": HIDDEN}, "write", "denied", "28000", None),
    ("wrong", "validate", {"s": HIDDEN}, "read", "denied", "28000", None),
    ("none", "get", None, "read", "denied", "28000", None),
    ("outdated", "list", None, "read", "denied", "28000", None),
    ("revoked", "batch", [{"s": HIDDEN}], "write", "denied", "28000", None),
    ("agent", "store", {"s": "third"}, "write", "?", "?", "?"),  # within the rate over SQL, beyond it over HTTP
]


def expected_rows(attempts, level, payloads):
    order = []
    for face in ("sql", "http"):
        written = 0
        for who, what, body, action, status, sqlstate, policy in TABLE:
            if (who, what) == ("agent", "store"):
                written += 1
                status, sqlstate, policy = ("success", None, "grants") if face == "sql" else ("denied", "53400", "rate")
            kept = {"none": False, "denied": status == "denied", "writes": status == "denied" or action != "read", "all": True}[level]
            if kept:
                credential, agent, scopes = attempts.facts.get(who, (None, None, []))
                payload = body if payloads and status != "denied" else None
                policy = attempts.policies.get(policy)
                order.append((action, status, sqlstate, credential, agent, scopes, policy, face, "127.0.0.1", "projectalpha_anon", True, None, payload))
    return order


@pytest.mark.parametrize("level, payloads", [("none", True), ("denied", True), ("writes", True), ("all", False)])
def test_each_kind_of_attempt(stack, level, payloads):
    attempts = Attempts(stack)
    stack.sql("SELECT projectalpha.configure_access_log(%s, %s, %s)", attempts.tool, level, payloads)
    answers = [attempts.make(face, who, what, body) for face in ("sql", "http") for who, what, body, *_ in TABLE]
    wanted = expected_rows(attempts, level, payloads)
    if wanted:
        stack.eventually(lambda: len(attempts.rows()) >= len(wanted))
    else:
        # What comes after would come later.
        other = Attempts(stack)
        assert attempts.caller.sql(CALLS["list"], other.tool, "wrong-token").sqlstate == "28000"
        stack.eventually(lambda: len(other.rows()) == 1)
    rows = attempts.rows()
    assert sorted(map(repr, rows)) == sorted(map(repr, wanted))
    # Neither the log, the logs of the processes nor the answers have a token, or what was in a payload unless it was asked for.
    written = stack.sql("SELECT l::text FROM projectalpha_data.access_logs AS l WHERE tool_name = %s", attempts.tool)
    shown = [answer for answer in answers if answer.sqlstate or (answer.status or 0) >= 400]
    hidden = [token for token in [*attempts.tokens.values(), attempts.key, stack.admin_token] if token] + [HIDDEN] + ([] if payloads else [MARK])
    for word in hidden:
        assert word not in str(written) and word not in str(shown)
        assert word == MARK or not [name for name, text in stack.logs().items() if word.encode() in text]


def test_questions_are_kept_and_explanations_are_not(stack):
    attempts = Attempts(stack)
    stack.sql("SELECT projectalpha.configure_access_log(%s, 'all', true)", attempts.tool)
    check, explain = attempts.caller.check, attempts.caller.explain
    context = {"address": "192.0.2.77", "payload": {"s": MARK}}
    for who, action, allowed in [("own", "refund", True), ("own", "read", True), ("reader", "update", False), ("agent", "delete", False), ("wrong", "write", False), ("none", "read", False)]:
        assert check(attempts.tool, attempts.tokens[who], action, context) is allowed
        explain(attempts.tool, attempts.tokens[who], action, context)
    assert not check("no_such_tool", attempts.tokens["own"], "read", context)
    stack.eventually(lambda: len(attempts.rows()) >= 6)
    told = [(action, status, sqlstate, policy, payload) for action, status, sqlstate, _, _, _, policy, *_, payload in attempts.rows()]
    # Nothing has failed: the answer is no.
    assert sorted(told, key=repr) == sorted([
        ("refund", "success", None, None, {"s": MARK}), ("read", "success", None, None, {"s": MARK}), ("update", "denied", None, None, None),
        ("delete", "denied", None, attempts.policies["no_delete"], None), ("write", "denied", None, None, None), ("read", "denied", None, None, None),
    ], key=repr)


def test_what_is_undone_is_not_kept_but_what_was_denied_is(stack):
    attempts = Attempts(stack)
    stack.sql("SELECT projectalpha.configure_access_log(%s, 'all', false)", attempts.tool)
    with stack.connect() as db:
        assert attempts.caller.sql(CALLS["store"], attempts.tool, attempts.tokens["own"], {"s": "undone"}, db).sqlstate is None
        assert attempts.caller.sql(CALLS["list"], attempts.tool, attempts.tokens["own"], db=db).sqlstate is None
        assert attempts.caller.sql(CALLS["delete"], attempts.tool, attempts.tokens["agent"], db=db).sqlstate == "42501"
        db.rollback()
    stack.eventually(lambda: len(attempts.rows()) == 1)
    assert attempts.rows()[0][:3] == ("delete", "denied", "42501")


def test_a_long_payload_is_not_kept_and_its_attempt_is(stack):
    attempts = Attempts(stack)
    stack.sql("SELECT projectalpha.configure_access_log(%s, 'writes', true)", attempts.tool)
    for face in ("sql", "http"):
        told = attempts.make(face, "own", "store", {"s": "x" * 70_000})
        assert (told.sqlstate, told.status) in ((None, None), (None, 200))
    assert [(row[1], row[-1]) for row in attempts.rows()] == [("success", None)] * 2


def test_the_setting_is_for_tools_without_a_level_of_their_own(stack):
    attempts = Attempts(stack)
    with stack.connect(autocommit=True) as db:
        for level, kept in (("none", 0), ("denied", 1), ("writes", 3), ("all", 6)):
            db.execute(f"SET projectalpha_store.access_log = '{level}'")
            for who, what in (("wrong", "list"), ("own", "list"), ("own", "store")):
                attempts.caller.sql(CALLS[what], attempts.tool, attempts.tokens[who], {"s": "y"}, db)
            stack.eventually(lambda: not kept or len(attempts.rows()) >= kept)
            assert len(attempts.rows()) == kept, level
        with pytest.raises(stack.SqlError):
            attempts.caller.db.execute("SET projectalpha_store.access_log = none")
