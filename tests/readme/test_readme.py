"""What README and docs show is what happens: their psql sessions and shell commands, run in order and compared.

Each document has a stack of its own, so that ids and lists are as shown. Each block of psql is one session.
"""

import os
import re
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from stack import Stack

ROOT = Path(__file__).resolve().parents[2]
COMMON_TOKEN = "common-token-of-the-docs"

# What differs from run to run, as it looks in the documents and in reality.
VARYING = [
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?"), "TIMESTAMP"),
    (re.compile(r"\d{8}T\d{12}|_\d{14,20}\b"), "DIGITS"),
    (re.compile(r"pas_([a-z]+)_…[0-9a-f]{4}"), r"HINT OF \1"),
    (re.compile(r"pas_([a-z]+)_[0-9a-f]{64}"), r"TOKEN OF \1"),
    (re.compile(r"PID \d+"), "PID"),
    (re.compile(r"Try again in \d+ s"), "LATER"),
]


class Block(NamedTuple):
    document: str
    number: int
    language: str
    text: str


def documents():
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks_of(document):
    found = re.findall(r"^```(psql|console)\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
    return [Block(document.name, number, language, text) for number, (language, text) in enumerate(found, 1)]


BLOCKS = [block for document in documents() for block in blocks_of(document)]
PROMPTS = {
    "psql": (r"projectalpha=# ", r"projectalpha[('$-]# "),
    "console": (r"\$ ", r" {4,}"),
}


def exchanges(block):
    """Commands and what follows each: [(command, output)]. A prompt begins a line of a command."""
    first, more = PROMPTS[block.language]
    pairs = []
    for line in block.text.splitlines():
        if (match := re.match(first, line)) is not None:
            pairs.append(([line[match.end():]], []))
        elif (match := re.match(more, line)) is not None and not pairs[-1][1]:
            pairs[-1][0].append(line[match.end():])
        else:
            pairs[-1][1].append(line)
    return [("\n".join(command), "\n".join(output)) for command, output in pairs]


def comparable(text):
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    # The width of a column depends on what varies; the rule under a heading shows it.
    lines = (re.sub(r"-{3,}", "---", re.sub(r" +", " ", line)).strip() for line in text.strip().splitlines())
    return [line for line in lines if line]


def run(stack, folder, arguments, text=None):
    environment = os.environ | {
        "BASE": stack.url, "ADMIN_TOKEN": stack.admin_token, "COMMON_TOKEN": COMMON_TOKEN,
        "PGHOST": "127.0.0.1", "PGPORT": str(stack.pg_port), "PGUSER": "postgres", "PGDATABASE": "projectalpha",
    }
    return subprocess.run(
        arguments, input=text, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def psql(stack, folder, commands):
    """What each command of one session says: notices and errors, then its result."""
    mark = "-- next --"
    script = "".join(f"{command}\n\\echo '{mark}'\n\\warn '{mark}'\n" for command in commands)
    outcome = run(stack, folder, ["psql", "-X", "-v", "VERBOSITY=default"], script)
    parts = zip(outcome.stderr.split(mark), outcome.stdout.split(mark), strict=True)
    return [messages + result for messages, result in parts][:-1]


def shell(stack, folder, command):
    outcome = run(stack, folder, ["bash", "-c", re.sub(r"\bcurl ", "curl --silent --show-error ", command)])
    return (outcome.stdout + outcome.stderr).replace("\r", "")


def outputs(stack, folder, block):
    commands = [command for command, _ in exchanges(block)]
    if block.language == "psql":
        return psql(stack, folder, commands)
    return [shell(stack, folder, command) for command in commands]


@pytest.fixture(scope="module")
def stack_of():
    """Gives the stack of a document; that of the document before it is stopped."""
    running = {}
    with ExitStack() as stacks:
        def give(document):
            if document not in running:
                stacks.close()
                running.clear()
                running[document] = stacks.enter_context(Stack(common_tokens=(COMMON_TOKEN,)))
            return running[document]
        yield give


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("documents")


def test_there_are_sessions_to_run():
    counted = {document.name: len(blocks_of(document)) for document in documents()}
    assert counted["README.md"] == 4
    assert all(counted.values())
    assert all(exchanges(block) for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.document}-{block.number}-{block.language}")
def test_what_is_shown_is_what_happens(stack_of, folder, block):
    told = outputs(stack_of(block.document), folder, block)
    for (command, expected), happened in zip(exchanges(block), told, strict=True):
        assert comparable(happened) == comparable(expected), command


def anchors(document):
    """The headings of a document, as GitHub links to them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", [*documents(), ROOT / "CHANGELOG.md"], ids=lambda document: document.name)
def test_links_lead_somewhere(document):
    for file, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", document.read_text()):
        target = document.parent / file if file else document
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"
