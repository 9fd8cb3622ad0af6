"""Prints the milliseconds from exec of the server to its first token, over plain HTTP."""

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.parse

program, data, home = sys.argv[1:4]
ready = os.path.join(data, "first.json")
if os.path.exists(ready):
    os.remove(ready)
start = time.perf_counter()
server = subprocess.Popen(
    [program, "serve", "--quiet", "--plain-http", "--control", "127.0.0.1:0", "--tls-port", "0",
     "--data-dir", home, "--ready-file", ready],
    stdout=subprocess.DEVNULL,
)
try:
    while not os.path.exists(ready) or not os.path.getsize(ready):
        time.sleep(0.0002)
        if server.poll() is not None:
            sys.exit("the server ended")
    with open(ready, encoding="utf-8") as file:
        world = json.load(file)["environments"]["office365"]
    app = world["apps"]["daemon-secret"]
    form = urllib.parse.urlencode({
        "grant_type": "client_credentials",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "scope": "https://graph.microsoft.com/.default",
    })
    address = urllib.parse.urlsplit(world["authority"]).netloc
    client = http.client.HTTPConnection(address, timeout=10)
    client.request("POST", f"/{world['tenant']['id']}/oauth2/v2.0/token", form,
                   {"Content-Type": "application/x-www-form-urlencoded"})
    token = json.load(client.getresponse())["access_token"]
    print(f"{(time.perf_counter() - start) * 1000:.1f}")
    assert token.count(".") == 2
finally:
    server.kill()
    server.wait()
