"""Measures contents of files over loopback beside nginx with the same bytes, in one run: an upload by fragments
of 10 MiB, a simple upload and a download of 250 MB. The server is on one core, the client on the other; medians
of five turns. Prints each rate beside nginx's, by the clock and by the server's processor time, and how much
memory the server takes beyond what it has when idle.

    python3 tests/load/files.py PROGRAM        needs nginx with its WebDAV module, and taskset

A second program is measured in the same turns, to compare:  python3 tests/load/files.py NEW OLD
"""

import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import graph  # noqa: E402

TURNS = int(os.environ.get("TURNS", "5"))
SIZE = 250_000_000
FRAGMENT = 10 << 20
# How fast beside nginx, and how much memory beyond idle, in MiB.
WANTED, MOST = 0.5, 32


def ask(origin, method, path, headers=(), body=b"", sink=None):
    """One request on a connection of its own; the status, the headers and, without a sink, the body."""
    where = urllib.parse.urlsplit(origin)
    with socket.create_connection((where.hostname, where.port), timeout=120) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {where.netloc}", "Connection: close",
                 f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers)]
        wire.sendall("\r\n".join([*lines, "", ""]).encode())
        if body:
            wire.sendall(body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = wire.recv(65536)
            if not more:
                raise SystemExit(f"{method} {path[:80]}: no answer")
            answer += more
        head, rest = answer.split(b"\r\n\r\n", 1)
        length = len(rest)
        space = memoryview(bytearray(1 << 20))
        while got := wire.recv_into(space):
            length += got
            if sink is None:
                rest += space[:got]
    first, *lines = head.decode("latin-1").split("\r\n")
    found = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    return int(first.split()[1]), found, length if sink else rest


def wanted_status(answer, *statuses):
    if answer[0] not in statuses:
        raise SystemExit(f"expected {statuses}, got {answer[0]}: {bytes(answer[2])[:300]}")
    return answer


def processor_time(pids):
    """Seconds of processor time of these processes."""
    fields = [pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(it[11]) + int(it[12]) for it in fields) / os.sysconf("SC_CLK_TCK")


class Mock:
    """A mock, and what it takes."""

    def __init__(self, program, folder, name):
        world = graph.HERE.parent / "clients" / "python" / "files-world.yaml"
        self.server = graph.Server(program, folder, name, "files", ("--seed", str(world)))
        self.pids = [self.server.process.pid]
        self.name = program
        self.auth = [("Authorization", f"Bearer {self.server.token}")]
        self.drive = "/v1.0/sites/root/drive"
        self.turn = 0

    def upload(self, data):
        self.turn += 1
        path = f"{self.drive}/root:/simple-{self.turn}.bin:/content"
        wanted_status(ask(self.server.origin, "PUT", path, self.auth, data), 201)

    def fragments(self, data):
        path = f"{self.drive}/root:/large-{self.turn}.bin:/createUploadSession"
        kind = ("Content-Type", "application/json")
        made = wanted_status(ask(self.server.origin, "POST", path, [*self.auth, kind], b"{}"), 200)
        where = urllib.parse.urlsplit(json.loads(bytes(made[2]))["uploadUrl"])
        target = f"{where.path}?{where.query}"
        for start in range(0, len(data), FRAGMENT):
            part = data[start:start + FRAGMENT]
            said = ("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(data)}")
            wanted_status(ask(self.server.origin, "PUT", target, [said], part), 202, 201)

    def download(self, data):
        path = f"{self.drive}/root:/simple-{self.turn}.bin:/content"
        _, headers, _ = wanted_status(ask(self.server.origin, "GET", path, self.auth), 302)
        where = urllib.parse.urlsplit(headers["location"])
        got = wanted_status(ask(self.server.origin, "GET", f"{where.path}?{where.query}", sink=True), 200)
        if got[2] != len(data):
            raise SystemExit(f"{got[2]} bytes instead of {len(data)}")

    def tidy(self):
        for name in ("simple", "large"):
            path = f"{self.drive}/items/root:/{name}-{self.turn}.bin:/permanentDelete"
            ask(self.server.origin, "POST", path, self.auth)


class Nginx:
    """nginx, and what it takes."""

    def __init__(self, origin, folder):
        self.origin = origin
        self.name = "nginx"
        self.turn = 0
        main = int((folder / "nginx.pid").read_text())
        children = pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()
        self.pids = [int(it) for it in children]

    def upload(self, data):
        self.turn += 1
        wanted_status(ask(self.origin, "PUT", f"/simple-{self.turn}.bin", (), data), 201)

    def fragments(self, data):
        for start in range(0, len(data), FRAGMENT):
            part = data[start:start + FRAGMENT]
            wanted_status(ask(self.origin, "PUT", f"/part-{self.turn}-{start}.bin", (), part), 201)

    def download(self, data):
        got = wanted_status(ask(self.origin, "GET", f"/simple-{self.turn}.bin", sink=True), 200)
        if got[2] != len(data):
            raise SystemExit(f"{got[2]} bytes instead of {len(data)}")

    def tidy(self):
        names = [f"simple-{self.turn}.bin"] + [f"part-{self.turn}-{at}.bin" for at in range(0, SIZE, FRAGMENT)]
        for name in names:
            ask(self.origin, "DELETE", f"/{name}")


@contextlib.contextmanager
def highest(server):
    """The most memory that a server has meanwhile."""
    found, over = [server.resident()], threading.Event()

    def look():
        while not over.wait(0.02):
            found.append(server.resident())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        over.set()
        looking.join()


def main(programs):
    os.sched_setaffinity(0, {1})
    data = memoryview(os.urandom(1 << 20) * (SIZE // (1 << 20) + 1))[:SIZE]
    steps, times, memory = ("fragments", "upload", "download"), {}, {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        mocks = [Mock(program, folder, f"server-{at}") for at, program in enumerate(programs)]
        idle = {mock: mock.server.resident() for mock in mocks}
        try:
            more = "client_max_body_size 0; dav_methods PUT DELETE; create_full_put_path on;"
            with graph.nginx(folder, {}, more) as origin:
                # Its workers may be another user.
                (folder / "files").chmod(0o777)
                for server in [Nginx(origin, folder), *mocks] * TURNS:
                    for step in ("upload", "fragments", "download"):
                        look = highest(server.server) if server in mocks else contextlib.nullcontext([0])
                        with look as found:
                            worked, began = processor_time(server.pids), time.perf_counter()
                            getattr(server, step)(data)
                            took = time.perf_counter() - began
                            times.setdefault((server.name, step), []).append(
                                (took, processor_time(server.pids) - worked))
                        memory[server.name] = max(memory.get(server.name, 0), *found)
                    server.tidy()
        finally:
            for mock in mocks:
                mock.server.end()
    holds = True
    rates = {key: [SIZE / 1e6 / statistics.median(it) for it in zip(*values)] for key, values in times.items()}
    for step in steps:
        for name in ["nginx", *programs]:
            clock, processor = rates[name, step]
            print(f"{step} of 250 MB, {name}: {clock:.0f} MB/s, {processor:.0f} MB for a second of processor time")
    for mock in mocks[:1]:
        for step in steps:
            own, plain = rates[mock.name, step], rates["nginx", step]
            holds &= graph.show(f"{step} of 250 MB beside nginx", own[0] / plain[0], WANTED)
            print(f"    by processor time: {own[1] / plain[1]:.2f}")
        holds &= graph.show("memory beyond idle, MiB", memory[mock.name] - idle[mock], MOST, most=True)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
