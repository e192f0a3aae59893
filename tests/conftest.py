"""Fixtures of the HTTP tests: a stack for the session, and one of their own for tests that break it."""

import secrets
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "http"))
pytest.register_assert_rewrite("contract", "stack")

from stack import ALL_TYPES, Stack  # noqa: E402


# Those that take longest. Where processes share the files, they come first, so that no process is left with one of them at
# the end.
LONGEST = ("test_projects.py", "test_readme.py", "test_openapi.py", "test_tenant_isolation.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def stack():
    """PostgreSQL, PostgREST and Caddy with the extension, shared by all tests that leave them running."""
    with Stack() as running:
        yield running


@pytest.fixture(scope="module")
def own_stack():
    """The same, for one test module alone, which may stop what it likes."""
    with Stack(common_tokens=(f"common-{secrets.token_hex(16)}",)) as running:
        yield running


@pytest.fixture
def survey(stack):
    """A fresh tool with one field of each type."""
    return stack.register(ALL_TYPES)


@pytest.fixture
def body(stack):
    """A registration that would succeed."""
    return {
        "tool_name": stack.new_name(),
        "token": "a-good-token-001",
        "schema": [{"name": "user_id", "type": "int"}],
    }


@pytest.fixture
def nothing_created(stack):
    """Fails a test that leaves another tool, table or other relation behind, or one less."""
    before = stack.footprint()
    yield
    assert stack.footprint() == before
