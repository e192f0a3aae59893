"""What the README shows is what happens: its psql sessions and its curl commands, run in order and compared."""

import os
import re
import subprocess
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"

# What differs from run to run, as it looks in the README and in reality.
VARYING = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?"), "TIMESTAMP"),
    (re.compile(r"pas_common_…[0-9a-f]{4}"), "HINT"),
]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)


def exchanges(block, prompt):
    """Commands and what follows each: [(command, output)]. A prompt begins a line of a command."""
    pairs = []
    for line in block.splitlines():
        if (match := re.match(prompt["first"], line)) is not None:
            pairs.append(([line[match.end():]], []))
        elif (match := re.match(prompt["more"], line)) is not None and not pairs[-1][1]:
            pairs[-1][0].append(line[match.end():])
        else:
            pairs[-1][1].append(line)
    return [("\n".join(command), "\n".join(output)) for command, output in pairs]


PSQL = {"first": r"projectalpha=# ", "more": r"projectalpha[(-]# "}
SHELL = {"first": r"\$ ", "more": r" {4,}"}


def comparable(text):
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    # The width of a column depends on what varies; the rule under a heading shows it.
    lines = (re.sub(r"-{3,}", "---", re.sub(r" +", " ", line)).strip() for line in text.strip().splitlines())
    return [line for line in lines if line]


def psql(stack, command):
    outcome = subprocess.run(
        ["psql", "-X", "-d", stack.dsn, "-v", "VERBOSITY=default"],
        input=command, capture_output=True, text=True, timeout=60, check=False,
    )
    return outcome.stdout + outcome.stderr


def shell(stack, command):
    environment = os.environ | {"BASE": stack.url, "ADMIN_TOKEN": stack.admin_token}
    outcome = subprocess.run(
        ["bash", "-c", command.replace("curl ", "curl --silent --show-error ", 1)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )
    return outcome.stdout + outcome.stderr


@pytest.fixture(scope="module")
def fresh(own_stack):
    return own_stack


def test_the_readme_has_sessions_to_run():
    assert len(blocks("psql")) == 2
    assert len(blocks("console")) == 1


@pytest.mark.parametrize("block", blocks("psql"), ids=["records", "tokens"])
def test_psql_sessions_go_as_shown(fresh, block):
    for command, output in exchanges(block, PSQL):
        assert comparable(psql(fresh, command)) == comparable(output), command


@pytest.mark.parametrize("block", blocks("console"), ids=["curl"])
def test_curl_commands_answer_as_shown(fresh, block):
    for command, output in exchanges(block, SHELL):
        assert comparable(shell(fresh, command)) == comparable(output), command
