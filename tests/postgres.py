"""A PostgreSQL of the tests' own, from the programs that are installed here."""

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from tests.test_web_server import free_port

PACKAGED = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
"""Where Debian puts what belongs to each version."""
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "autovacuum": "off",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "panic",
}
"""What a test may do without: nothing here outlives it."""
NUMBERS = count(1)


def program(name):
    """Return the path of a program of PostgreSQL; None: none is installed."""
    found = [one / name for one in PACKAGED if (one / name).exists()]
    return str(found[0]) if found else shutil.which(name)


class Postgres:
    """One running server. `owner`: who runs it, as PostgreSQL itself refuses root."""

    def __init__(self, folder, **settings):
        self.folder, self.port = folder, free_port()
        self.settings = SETTINGS | settings
        self.owner = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        self._process = None
        if self.owner:
            shutil.chown(folder, **self.owner)
        command = [program("initdb"), "-D", folder / "data", "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run([*command, "--locale=C.UTF-8"], check=True, capture_output=True, cwd="/", **self.owner)

    def url(self, database="postgres", user="owner", port=None):
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{database}"

    def start(self):
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        command = [program("postgres"), "-D", self.folder / "data", "-p", str(self.port), "-k", self.folder, *options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self.owner)
        with self.connect(wait_s=20):
            pass

    def stop(self, how=signal.SIGINT):
        """End it: SIGINT is a fast shutdown, SIGQUIT an immediate one, as if the machine had died."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    @contextmanager
    def connect(self, database="postgres", wait_s=5):
        deadline = _timer() + wait_s
        while True:
            try:
                connection = psycopg.connect(self.url(database), autocommit=True)
                break
            except psycopg.OperationalError:
                if _timer() > deadline or self._process.poll() is not None:
                    raise
        with connection:
            yield connection

    def new_database(self):
        """Return the name of an empty database."""
        name = f"monitor_{next(NUMBERS)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name


def _timer():
    return os.times().elapsed


@contextmanager
def postgres(**settings):
    """Start a server for the time of a test or of all; in memory where the system has room for files there."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="monitor-pg-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        os.chmod(folder, 0o755)
        server = Postgres(Path(folder), **settings)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
