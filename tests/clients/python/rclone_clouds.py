"""Sets rclone's OneDrive backend up as its wizard does, in one cloud; knows nothing of a mock.

Chooses the person's drive, and a site's library in the four ways that the wizard has, then works with
names that need care. Arguments: the environment, rclone's name of its region, and the addresses of
sign-in and Graph. The world comes from the ready file (ENTRA_MOCK_READY), rclone from the path beside
this Python. Prints one JSON object.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import requests

environment, region, login, graph = sys.argv[1:]
with open(os.environ["ENTRA_MOCK_READY"], encoding="utf-8") as file:
    world = json.load(file)["environments"][environment]

app, alice, tenant = world["apps"]["files"], world["users"]["alice"], world["tenant"]["id"]
rclone = pathlib.Path(sys.executable).parent / "rclone"
root = f"{login}/{tenant}/oauth2/v2.0"
token = requests.post(f"{root}/token", timeout=30, data={
    "grant_type": "password", "client_id": app["client_id"], "username": alice["upn"],
    "client_secret": app["client_secret"], "password": alice["password"],
    "scope": f"{graph}/Files.ReadWrite.All {graph}/Sites.ReadWrite.All offline_access",
}).json()
if "access_token" not in token:
    sys.exit(json.dumps(token))
bearer = {"Authorization": f"Bearer {token['access_token']}"}
site = requests.get(f"{graph}/v1.0/sites/root", timeout=30, headers=bearer).json()["webUrl"]

folder = pathlib.Path(tempfile.mkdtemp())
stored = {"access_token": token["access_token"], "token_type": "Bearer", "refresh_token": token["refresh_token"],
          "expiry": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3000))}


def run(*arguments):
    """What rclone says, and how it ends."""
    return subprocess.run(
        [rclone, "--config", folder / "rclone.conf", "--retries", "1", "--low-level-retries", "2",
         *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False)


def wizard(name, kind, **more):
    """Answers the questions of the wizard; what it could not do, if anything."""
    answers = {"config_refresh_token": "false", "config_type": kind, "config_drive_ok": "true", **more}
    done = run("config", "create", name, "onedrive", f"region={region}", f"client_id={app['client_id']}",
               f"client_secret={app['client_secret']}", f"tenant={tenant}", f"auth_url={root}/authorize",
               f"token_url={root}/token", f"token={json.dumps(stored)}", "--non-interactive")
    for _ in range(8):
        asked = json.loads(done.stdout)
        if asked["Error"] or not asked["State"]:
            return asked["Error"]
        option = asked["Option"] or {"Name": "", "DefaultStr": ""}
        if not option["Name"]:
            return option.get("Help", "")[:200]
        answer = answers.get(option["Name"], option["DefaultStr"])
        done = run("config", "update", name, "--continue", "--state", asked["State"], "--result", answer)
    return "it asks without an end"


def transferred(*arguments):
    """How a command ends, and how many files it transfers."""
    done = run(*arguments, "--use-json-log", "--stats-log-level", "NOTICE", "--stats", "1h", "-v")
    stats = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    stats = [line["stats"]["transfers"] for line in stats if "stats" in line]
    return [done.returncode, stats[-1] if stats else done.stderr[-300:]]


ways = {
    "drive": wizard("drive", "onedrive"),
    "root": wizard("root", "sharepoint"),
    "found": wizard("found", "search", config_search_term="Sales"),
    "path": wizard("path", "path", config_sharepoint_url="/sites/sales"),
}
if environment == "office365":
    # The wizard knows no other address of a site.
    ways["url"] = wizard("url", "url", config_site_url=f"{site}/sites/sales")
result = {"wizard": [it for it in ways.items() if it[1]]}
source = folder / "source"
(source / "Größe #1" / "inner").mkdir(parents=True)
for name in ("it's 100%.txt", "a+b&c=d;e.txt", "x@y,z [1] {2}.txt", "~tilde^.txt", "日本 😀.txt", "e\u0301.txt",
             "%2F.txt", "..dots.txt", "colon: quote\" star*.txt", "back\\slash|<pipe>?.txt"):
    (source / "Größe #1" / "inner" / name).write_text(name, encoding="utf-8")
result["up"] = transferred("copy", source, "drive:Backup")
result["again"] = transferred("sync", source, "drive:Backup")
result["delta"] = transferred("sync", "--fast-list", "--onedrive-delta", source, "drive:Backup")
result["checked"] = run("check", "--download", source, "drive:Backup").returncode
result["down"] = transferred("copy", "drive:Backup", folder / "down")
inner = [sorted(it.name for it in (folder / where / "Größe #1" / "inner").iterdir()) for where in ("source", "down")]
result["same"] = inner[0] == inner[1]
result["copied"] = run("copy", "drive:Backup", "drive:Copies").returncode
result["moved"] = run("moveto", "drive:Copies/Größe #1", "drive:Moved").returncode
result["cleaned"] = run("cleanup", "drive:").returncode
result["listed"] = len(run("lsf", "-R", "--files-only", "drive:Moved/inner").stdout.splitlines())
result["purged"] = [run("purge", f"drive:{it}").returncode for it in ("Backup", "Copies", "Moved")]
result["site"] = transferred("copy", source / "Größe #1" / "inner" / "it's 100%.txt", "path:Shared")
result["seen"] = [run("lsf", "-R", f"{it}:").stdout.splitlines() for it in ways if it not in ("drive", "path")]
print(json.dumps(result))
