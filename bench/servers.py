"""Servers beside those of the stack, started for measuring and stopped by their process ids."""

import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from stack import REPOSITORY, free_port

NGINX = REPOSITORY / "postgrest" / "nginx.conf"


class Server:
    """A process that serves HTTP on a free port while the context lasts."""

    def __init__(self, stack):
        self.stack = stack
        self.port = free_port()
        self.process = None

    def __enter__(self):
        # PostgreSQL's socket is of the user that runs the stack, who is postgres if we are root.
        command, environment = self.command()
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *command]
        with (self.stack.home / f"{type(self).__name__}.log").open("w") as log:
            self.process = subprocess.Popen(
                command, env={"PATH": os.environ["PATH"]} | environment, cwd="/",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        try:
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait(self):
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5).close()
                return
            except urllib.error.HTTPError as answer:
                # 503: PostgREST has not read the schema yet.
                if answer.code != 503:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        log = (self.stack.home / f"{type(self).__name__}.log").read_text()
        raise RuntimeError(f"{type(self).__name__} does not answer: {log[-2000:]}")


class PostgREST(Server):
    """The stack's PostgREST listens on a socket, to which wrk cannot talk. This is another one, with the same
    configuration, on a port."""

    def command(self):
        run = self.stack.home / "run"
        return [os.environ["POSTGREST"], str(run / "postgrest.conf")], {
            "PGRST_DB_URI": f"host='{run}' port={self.stack.pg_port} dbname=projectalpha user=authenticator",
            "PGRST_SERVER_HOST": "127.0.0.1",
            "PGRST_SERVER_PORT": str(self.port),
        }


class Nginx(Server):
    """The other proxy, in front of the stack's PostgREST as Caddy is; if it is installed."""

    @staticmethod
    def is_there():
        return NGINX.exists() and shutil.which("nginx") is not None

    def command(self):
        # nginx reads no environment: two lines are marked for what differs from place to place.
        text = re.sub(r"server [^ ]+(.*# STORE_UPSTREAM)", rf"server unix:{self.stack.home}/run/postgrest.sock\1",
                      NGINX.read_text())
        text = re.sub(r"listen [^;]+;(.*# STORE_HTTP_BIND)", rf"listen 127.0.0.1:{self.port};\1", text)
        folder = self.stack.home / "nginx"
        folder.mkdir()
        folder.chmod(0o777)  # it writes there, as the user that the servers run as
        (folder / "nginx.conf").write_text(text)
        return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")], {}
