"""Settings of the database or of a role do not change the answers."""

import pytest

from contract import expect
from stack import ALL_TYPES

SETTINGS = {
    "timezone": "Asia/Kolkata",
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "extra_float_digits": "-10",
    "bytea_output": "escape",
    "search_path": "pg_temp, public",
    "default_transaction_isolation": "serializable",
    "xmlbinary": "hex",
}


@pytest.fixture(scope="module", params=["database projectalpha", "role projectalpha_anon", "role authenticator"])
def target(request, own_stack):
    """Where the settings are set, while PostgREST connects anew."""
    for name, value in SETTINGS.items():
        own_stack.sql(f"alter {request.param} set {name} = {value if ',' in value else repr(value)}")
    reconnect(own_stack)
    yield request.param
    own_stack.sql(f"alter {request.param} reset all")


def reconnect(stack):
    stack.stop("postgrest")
    stack.start("postgrest")
    stack.eventually(lambda: stack.get("/tools/nonexistent_tool").status == 404)


@pytest.mark.usefixtures("target")
def test_records_look_the_same_under_any_settings(own_stack):
    tool = own_stack.register(ALL_TYPES)
    sent = {
        "user_id": 9007199254740993,
        "feedback": "é\\x00",
        "happy": True,
        "score": 0.1234567890123456,
        "extra": {"n": 0.1234567890123456, "at": "2026-02-05"},
        "seen_at": "2026-03-04T10:30:00.5",
    }
    assert own_stack.store(tool, sent).status == 200
    own_stack.sql(
        f"update projectalpha_data.tool_{tool.name} set created_at = timestamptz '2026-02-05T10:30:00Z'"
    )
    shown = {"id": 1, "created_at": "2026-02-05T10:30:00"} | sent | {"seen_at": "2026-03-04T10:30:00.500000"}
    expect(own_stack.get(tool.path), 200, [shown])
    natively = own_stack.post("/rpc/list_records", {"tool_name": tool.name}).json()
    assert natively == [shown | {key: shown[key] + "+00:00" for key in ("created_at", "seen_at")}]
    assert own_stack.delete(tool.path, own_stack.admin).status == 200
