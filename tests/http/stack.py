"""A running stack (scripts/up.sh) and the ways the tests reach it: raw HTTP, SQL, log files."""

import http.client
import itertools
import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psycopg

REPOSITORY = Path(__file__).resolve().parents[2]
COMMON_TOKENS = ("token123", "token456")  # those of the spec's examples

ALL_TYPES = [
    {"name": "user_id", "type": "int"},
    {"name": "feedback", "type": "str"},
    {"name": "happy", "type": "bool"},
    {"name": "score", "type": "float"},
    {"name": "extra", "type": "json"},
    {"name": "seen_at", "type": "timestamp"},
]


class Answer(NamedTuple):
    status: int
    headers: list  # (name in lower case, value), in the order received
    body: bytes

    def header(self, name):
        """Every value that was sent under this name."""
        return [value for key, value in self.headers if key == name]

    def json(self):
        return json.loads(self.body)


class Tool(NamedTuple):
    name: str
    token: str

    @property
    def path(self):
        return f"/tools/{self.name}"

    @property
    def auth(self):
        return ("token", self.token)


# Below those that the kernel gives to clients, and other ones for each process of pytest-xdist (gw0, gw1, ...): nobody
# takes a port between its choice and its use. In no order, as others may run their tests on this machine.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS = range(20000 + WORKER % 6 * 2000, 22000 + WORKER % 6 * 2000)
_unused = iter(random.sample(PORTS, len(PORTS)))


def taken(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    """A port that nobody listens on; another one every time."""
    return next(port for port in _unused if not taken(port))


def eventually(ready):
    """Waits for a condition that takes a while to come true, and fails if it never does."""
    deadline = time.monotonic() + 120
    while not ready():
        assert time.monotonic() < deadline, "it did not come true within two minutes"
        time.sleep(0.02)


class Stack:
    def __init__(self, common_tokens=COMMON_TOKENS, proxy="caddy", durable=False):
        """Unless it is `durable`, PostgreSQL does not wait for the disk: nothing here shall outlive the machine."""
        self.proxy, self.durable = proxy, durable
        self.home = Path(tempfile.mkdtemp(prefix="store-"))
        self.home.chmod(0o755)  # the server runs as another user when the tests run as root
        self.http_port, self.pg_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.dsn = f"host=127.0.0.1 port={self.pg_port} dbname=projectalpha user=postgres"
        self.admin_token = f"admin-{secrets.token_hex(16)}"
        self.admin = ("admin-token", self.admin_token)
        self.common_tokens = common_tokens
        self._numbers = itertools.count(1)

    def __enter__(self):
        try:
            self.run_script("up.sh")
            if not self.durable:
                self.sql("alter system set fsync = off")
                self.sql("select pg_reload_conf()")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.run_script("down.sh")
        finally:
            shutil.rmtree(self.home, ignore_errors=True)

    def stop(self, part):
        """Stops postgresql, postgrest or the proxy alone."""
        self.run_script("part.sh", "stop", part)

    def start(self, part):
        self.run_script("part.sh", "start", part)

    def process_id(self, part):
        path = "data/postmaster.pid" if part == "postgresql" else f"run/{part}.pid"
        return int((self.home / path).read_text().split()[0])

    def logs(self):
        """What each process has written so far, by the name of its file."""
        return {path.name: path.read_bytes() for path in (self.home / "log").iterdir()}

    def run_script(self, name, *arguments):
        environment = os.environ | {
            "STORE_HOME": str(self.home),
            "STORE_PROXY": self.proxy,
            "STORE_HTTP_PORT": str(self.http_port),
            "STORE_PG_PORT": str(self.pg_port),
            "ADMIN_TOKEN": self.admin_token,
            "COMMON_TOKENS": ",".join(self.common_tokens),
        }
        # To a file: what stays in the background would keep a pipe open for ever.
        output = self.home / f"{name}.output"
        with output.open("w") as sink:
            code = subprocess.call(
                [REPOSITORY / "scripts" / name, *arguments], env=environment, cwd=REPOSITORY,
                stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
            )
        if code != 0:
            raise RuntimeError(f"scripts/{name} {arguments} ended with {code}:\n{output.read_text()}")

    # HTTP

    def http(self, method, path, headers=(), body=None, chunked=False):
        """One request, its headers and path sent exactly as given: repeated, empty or in raw bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=120)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body is not None and chunked:
                connection.putheader("Transfer-Encoding", "chunked")
            elif body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            if body is not None:
                self._send(connection, body, chunked)
            response = connection.getresponse()
            received = [(name.lower(), value) for name, value in response.getheaders()]
            return Answer(response.status, received, response.read())
        finally:
            connection.close()

    @staticmethod
    def _send(connection, body, chunked):
        try:
            if not chunked:
                return connection.send(body)
            for start in range(0, len(body), 65536):
                piece = body[start:start + 65536]
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server may answer before it has read everything

    def post(self, path, payload, *headers):
        """POST of a JSON body; bytes are sent as they are."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.http("POST", path, [("Content-Type", "application/json"), *headers], body)

    def get(self, path, *headers):
        return self.http("GET", path, headers)

    def delete(self, path, *headers):
        return self.http("DELETE", path, headers)

    def store(self, tool, payload):
        return self.post(tool.path, payload, tool.auth)

    def rows(self, tool, query=""):
        answer = self.get(tool.path + query)
        assert answer.status == 200, answer
        return answer.json()

    # Tools

    def new_name(self):
        return f"probe_{next(self._numbers)}"

    def register(self, schema=({"name": "user_id", "type": "int"},)):
        """A new tool with a name of its own."""
        tool = Tool(self.new_name(), f"tool-{secrets.token_hex(16)}")
        body = {"tool_name": tool.name, "token": tool.token, "schema": list(schema)}
        answer = self.post("/register-tool", body, self.admin)
        assert answer.status == 200, answer
        return tool

    eventually = staticmethod(eventually)

    # SQL

    SqlError = psycopg.Error

    def connect(self, **options):
        return psycopg.connect(self.dsn, **options)

    def sql(self, query, *parameters):
        """The rows of a statement that is run, and committed, as the superuser."""
        with self.connect(autocommit=True) as connection:
            cursor = connection.execute(query, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, query, *parameters):
        return self.sql(query, *parameters)[0][0]

    def footprint(self):
        """Every registered tool and every relation that is not the server's own, nor of the access log."""
        tools = self.sql("select tool_name from projectalpha.registered_tools")
        relations = self.sql(
            """select n.nspname, c.relname, c.relkind::text from pg_class c
               join pg_namespace n on n.oid = c.relnamespace
               where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relname !~ 'access_log'"""
        )
        return set(tools) | set(relations)
