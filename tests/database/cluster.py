"""A throwaway PostgreSQL cluster with the installed extension: databases, connections, PostgreSQL's own programs."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from stack import free_port

PG_CONFIG = os.environ.get("PG_CONFIG", "/usr/lib/postgresql/15/bin/pg_config")
# PostgreSQL refuses to run as root.
AS_SERVER = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"] if os.getuid() == 0 else []

# Longer than any recovery in these tests takes: it is only waited for so long if the server does not come back.
RECOVERY_SECONDS = 300


def program(name):
    bindir = subprocess.run([PG_CONFIG, "--bindir"], check=True, capture_output=True, text=True).stdout.strip()
    return os.path.join(bindir, name)


def run(*command, **options):
    """Runs a program and gives its output; whatever it says on standard error is a failure."""
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", **options)
    assert done.returncode == 0 and done.stderr == "", f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-5000:]}"
    return done.stdout


class Cluster:
    def __init__(self, *settings, preloaded=False, access_log="none"):
        """Settings as in postgresql.conf; with `preloaded` the library is in shared_preload_libraries. Unless a test is
        about it, there is no access log: a worker would make it whenever it comes to it."""
        self.home = Path(tempfile.mkdtemp(prefix="store-database-"))
        self.home.chmod(0o755)
        self.data = self.home / "run" / "data"
        self.settings = [*settings, f"projectalpha_store.access_log={access_log}"]
        if preloaded:
            self.settings.append("shared_preload_libraries=projectalpha_store")
        self._names = itertools.count(1)
        self.port = free_port()

    def __enter__(self):
        folder = self.data.parent
        folder.mkdir()
        if AS_SERVER:
            shutil.chown(folder, "postgres", "postgres")
        try:
            self.make()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if (self.data / "postmaster.pid").exists():
            self.serve("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.home, ignore_errors=True)

    def make(self):
        self.serve("initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")

    def start(self):
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.data.parent}", "fsync=off", *self.settings]
        log = str(self.data.parent / "log")
        self.serve("pg_ctl", "-D", str(self.data), "-l", log, "-w", "-o", " ".join(f"-c {option}" for option in options), "start")

    def serve(self, name, *arguments):
        """A program that belongs to the server, run as its user. Its output is for its log."""
        log = self.home / "programs.log"
        with log.open("a") as sink:
            code = subprocess.call([*AS_SERVER, program(name), *arguments], cwd="/", stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
        assert code == 0, f"{name} {arguments} ended with {code}:\n{log.read_text()[-5000:]}"

    def client(self, name, database, *arguments, **options):
        """A client program, such as psql or pg_dump, on a database."""
        return run(program(name), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database, *arguments, **options)

    def new_database(self):
        name = f"db_{next(self._names)}"
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        return name

    def new_store(self):
        """A new database with the extension, and an open connection to it."""
        connection = self.connect(self.new_database())
        connection.execute("CREATE EXTENSION projectalpha_store")
        return connection

    @contextlib.contextmanager
    def passing_store(self):
        """The same for a while. Many databases that stay would take long to remove in the end."""
        with self.new_store() as connection:
            name = connection.info.dbname
            yield connection
        with self.connect("postgres") as postgres:
            postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def connect(self, database, user="postgres", **options):
        parameters = {"autocommit": True, **options}
        return psycopg.connect(f"host=127.0.0.1 port={self.port} user={user} dbname={database}", **parameters)

    def kill_backend(self, pid):
        """SIGKILL. All other sessions of the cluster end with it; returns when they have."""
        with contextlib.suppress(psycopg.OperationalError), self.connect("postgres") as witness:
            os.kill(pid, signal.SIGKILL)
            witness.execute("SELECT pg_sleep(%s)", [RECOVERY_SECONDS])
            raise AssertionError(f"nothing came of the end of {pid}")

    def reconnect(self, database):
        """A session once the server has recovered, which takes as long as there is WAL to replay."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                return self.connect(database)
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def another(self, connection):
        """A second session on the database of a connection."""
        return self.connect(connection.info.dbname)


def rows(connection, query, *parameters):
    return connection.execute(query, parameters or None).fetchall()


def value(connection, query, *parameters):
    return rows(connection, query, *parameters)[0][0]
