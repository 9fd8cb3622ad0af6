"""Measures Graph over loopback beside nginx that serves the same bytes, in one run: the server on one
core, the client on the other, medians of five turns. Prints each figure with what is wanted of it.

    python3 tests/load/graph.py PROGRAM        needs wrk, nginx and taskset

A second program is measured in the same turns, to compare:  python3 tests/load/graph.py NEW OLD
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
import time
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
TURNS = int(os.environ.get("TURNS", "5"))
SECONDS = os.environ.get("SECONDS_EACH", "2")
LATER = "2026-01-15T12:00:00Z"


class Server:
    """A mock on core 0, with plain HTTP, and a token of one of its apps."""

    def __init__(self, program, folder, name, app="daemon-secret", more=()):
        ready = folder / f"{name}.json"
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", program, "serve", "--quiet", "--plain-http", "--control", "127.0.0.1:0",
             "--tls-port", "0", "--data-dir", str(folder / "home"), "--ready-file", str(ready), *more],
            stdout=subprocess.DEVNULL)
        while not ready.exists() or not ready.stat().st_size:
            time.sleep(0.01)
            if self.process.poll() is not None:
                raise SystemExit(f"{program} ended")
        world = json.loads(ready.read_text())
        self.control = world["control"]
        here = world["environments"]["office365"]
        self.origin = here["authority"].replace("https:", "http:")
        self.user = here["users"]["alice"]["upn"]
        app = here["apps"][app]
        form = urllib.parse.urlencode({
            "grant_type": "client_credentials", "client_id": app["client_id"],
            "client_secret": app["client_secret"], "scope": "https://graph.microsoft.com/.default"})
        answer = json.loads(self.read(f"/{here['tenant']['id']}/oauth2/v2.0/token", form.encode(), None))
        self.token = answer["access_token"]
        self.path = f"/v1.0/users/{self.user}/messages"

    def read(self, path, body=None, token="own"):
        headers = {"Authorization": f"Bearer {self.token}"} if token else {}
        request = urllib.request.Request(self.origin + path, body, headers)
        return urllib.request.urlopen(request, timeout=120).read()

    def grow(self, count):
        """Brings the mailbox to so many messages, through the state of the whole world."""
        with urllib.request.urlopen(f"{self.control}/api/v1/state", timeout=600) as answer:
            state = json.load(answer)
        box = next(box for tenant in state["tenants"] for box in tenant["mailboxes"]
                   if box["owner"]["person"]["address"] == self.user)
        samples = list(box["messages"].values())[:200]
        key = box["last_key"]
        for number in range(count - len(box["messages"])):
            key += 1
            box["messages"][str(key)] = {**samples[number % len(samples)], "key": key, "received": LATER}
        box["last_key"] = key
        request = urllib.request.Request(f"{self.control}/api/v1/state", json.dumps(state).encode(),
                                         {"Content-Type": "application/json"}, method="PUT")
        urllib.request.urlopen(request, timeout=600).read()

    def resident(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0

    def end(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def nginx(folder, files, more=""):
    """nginx on core 0, with these files and further directives."""
    root = folder / "files"
    root.mkdir()
    for name, content in files.items():
        (root / name).write_bytes(content)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "nginx.conf").write_text(f"""
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type application/json;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.1:{port}; root {root}; {more} }}
}}""")
    # The files are for whoever serves them.
    for path in (folder, root):
        path.chmod(0o755)
    server = subprocess.Popen(["taskset", "-c", "0", "nginx", "-c", str(folder / "nginx.conf")])
    time.sleep(0.5)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def wrk(url, token="", method="GET", body="", connections=16):
    """Requests a second, and the median of the time of one in milliseconds."""
    done = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(HERE / "graph.lua"), url],
        env={**os.environ, "GRAPH_TOKEN": token, "GRAPH_METHOD": method, "GRAPH_BODY": body},
        capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("result"))
    _, _, _, rate, p50, errors = line.split()
    if int(errors):
        raise SystemExit(f"{errors} errors at {url}")
    return float(rate), float(p50)


def median(values):
    return statistics.median(list(values))


def show(what, value, wanted, most=False):
    holds = value <= wanted if most else value >= wanted
    print(f"{what}: {value:.3g} (wanted: {'at most' if most else 'at least'} {wanted}){'' if holds else '  MISSED'}",
          flush=True)
    return holds


def main(programs):
    holds = True
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        servers = [Server(program, folder, f"server-{at}") for at, program in enumerate(programs)]
        new = servers[0]
        try:
            pages = {server: f"{server.path}?$top=10" for server in servers}
            one = {server: f"{server.path}/{json.loads(server.read(server.path))['value'][0]['id']}" for server in servers}
            filtered = {server: f"{server.path}?$top=10&$filter=contains(subject,%27budget%27)" for server in servers}
            files = {"list": new.read(pages[new]), "one": new.read(one[new])}
            rates = {}
            with nginx(folder, files) as plain:
                for _ in range(TURNS):
                    for name in files:
                        rates.setdefault(("nginx", name), []).append(wrk(f"{plain}/{name}")[0])
                    for server in servers:
                        for name, path in (("list", pages), ("one", one), ("filter", filtered)):
                            rate = wrk(server.origin + path[server], server.token)[0]
                            rates.setdefault((server, name), []).append(rate)
            at = {key: median(values) for key, values in rates.items()}
            for server, program in zip(servers, programs):
                print(f"{program}: lists {at[server, 'list']:.0f}/s, messages {at[server, 'one']:.0f}/s, filters "
                      f"{at[server, 'filter']:.0f}/s; nginx {at['nginx', 'list']:.0f}/s and {at['nginx', 'one']:.0f}/s")
            holds &= show("list of ten whole messages beside nginx", at[new, "list"] / at["nginx", "list"], 0.25)
            holds &= show("one message beside nginx", at[new, "one"] / at["nginx", "one"], 0.4)
            holds &= show("$filter over 300 messages beside a list", at[new, "filter"] / at[new, "list"], 0.5)
            for server in servers[1:]:
                server.end()
            holds &= large(new)
        finally:
            for server in servers:
                server.end()
    return 0 if holds else 1


def large(server):
    """What many messages cost."""
    holds = True
    draft = json.dumps({"subject": "one more", "body": {"contentType": "text", "content": "x"}})
    p50 = {}
    for count in (1000, 20_000, 100_000):
        before = server.resident()
        server.grow(count)
        page = f"{server.path}?$top=10"
        found = json.loads(server.read(page))
        one = f"{server.path}/{found['value'][0]['id']}"
        paths = {"list": page, "get": one, "create": server.path}
        if count == 20_000:
            # None fits, so that all are looked at.
            paths = {"list": page,
                     "$filter": f"{server.path}?$filter=subject%20eq%20%27nothing%20of%20the%20kind%27",
                     "$search": f"{server.path}?$search=%22qwertz%22"}
        for name, path in paths.items():
            times = []
            for _ in range(TURNS):
                asks = ("POST", draft) if name == "create" else ("GET", "")
                times.append(wrk(server.origin + path, server.token, *asks, connections=1)[1])
            p50[name, count] = median(times)
        print(f"{count} messages: " + ", ".join(f"{name} {p50[name, count]:.3f} ms" for name in paths)
              + f"; {server.resident():.0f} MiB ({before:.0f} before)", flush=True)
    for name in ("$filter", "$search"):
        each = (p50[name, 20_000] - p50["list", 20_000]) / 20_000 * 1000
        holds &= show(f"{name} over 20,000 messages, microseconds each", each, 2, most=True)
    for name in ("list", "get", "create"):
        holds &= show(f"{name} at 100,000 messages beside 1,000", p50[name, 100_000] / p50[name, 1000], 1.5, most=True)
    return holds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
