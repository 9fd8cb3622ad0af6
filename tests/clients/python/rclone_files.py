"""Works with a drive through rclone; knows nothing of a mock.

Configures the OneDrive backend as its wizard would, lists, copies up and down with a file of
30 MB, synchronizes twice, copies and moves on the server, deletes. The world comes from the
ready file (ENTRA_MOCK_READY), rclone from the path beside this Python. Prints one JSON object.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import requests

with open(os.environ["ENTRA_MOCK_READY"], encoding="utf-8") as file:
    world = json.load(file)["environments"]["office365"]

app, alice = world["apps"]["files"], world["users"]["alice"]
rclone = pathlib.Path(sys.executable).parent / "rclone"
tenant = world["tenant"]["id"]
root = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
token = requests.post(f"{root}/token", timeout=30, data={
    "grant_type": "password", "client_id": app["client_id"], "username": alice["upn"],
    "client_secret": app["client_secret"], "password": alice["password"],
    "scope": "https://graph.microsoft.com/Files.ReadWrite.All offline_access",
}).json()
if "access_token" not in token:
    sys.exit(json.dumps(token))
bearer = {"Authorization": f"Bearer {token['access_token']}"}
drive = requests.get("https://graph.microsoft.com/v1.0/me/drive", timeout=30, headers=bearer).json()

folder = pathlib.Path(tempfile.mkdtemp())
expiry = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3000))
stored = {"access_token": token["access_token"], "token_type": "Bearer",
          "refresh_token": token["refresh_token"], "expiry": expiry}
(folder / "rclone.conf").write_text(
    "[drive]\ntype = onedrive\nregion = global\n"
    f"client_id = {app['client_id']}\nclient_secret = {app['client_secret']}\n"
    f"tenant = {tenant}\nauth_url = {root}/authorize\ntoken_url = {root}/token\n"
    f"token = {json.dumps(stored)}\ndrive_id = {drive['id']}\ndrive_type = business\n",
    encoding="utf-8")


def run(*arguments):
    """What rclone says, and how it ends."""
    done = subprocess.run(
        [rclone, "--config", folder / "rclone.conf", "--retries", "1", "--low-level-retries", "2",
         *arguments],
        capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        print(arguments, done.stdout[-2000:], done.stderr[-3000:], file=sys.stderr)
    return done


def transferred(*arguments):
    """How many files a command transfers."""
    done = run(*arguments, "--use-json-log", "--stats-log-level", "NOTICE", "--stats", "1h", "-v")
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    stats = [line["stats"] for line in lines if "stats" in line]
    return [done.returncode, stats[-1]["transfers"] if stats else None]


source = folder / "source"
(source / "Größe #1" / "inner").mkdir(parents=True)
(source / "large.bin").write_bytes(os.urandom(1 << 20) * 30)
(source / "small.txt").write_text("small\n", encoding="utf-8")
(source / "empty.txt").touch()
(source / "Größe #1" / "100% + 'quoted' (1).txt").write_text("odd\n", encoding="utf-8")
(source / "Größe #1" / "inner" / "deep.txt").write_text("deep\n", encoding="utf-8")

result = {}
result["up"] = transferred("copy", str(source), "drive:Backup")
result["listed"] = sorted(run("lsf", "-R", "--files-only", "drive:").stdout.splitlines())
result["again"] = transferred("sync", str(source), "drive:Backup")
result["fast"] = transferred("sync", "--fast-list", str(source), "drive:Backup")
result["checked"] = run("check", str(source), "drive:Backup").returncode
down = folder / "down"
result["down"] = transferred("copy", "drive:Backup", str(down))
digest = [hashlib.sha256((it / "large.bin").read_bytes()).hexdigest() for it in (source, down)]
result["same"] = digest[0] == digest[1]
result["hash"] = run("hashsum", "quickxor", "drive:Backup/small.txt").stdout.split()[0]
(source / "small.txt").write_text("changed\n", encoding="utf-8")
(source / "empty.txt").unlink()
result["sync"] = transferred("sync", str(source), "drive:Backup")
result["after"] = sorted(run("lsf", "drive:Backup").stdout.splitlines())
result["copied"] = run("copyto", "drive:Backup/small.txt", "drive:Backup/copied.txt").returncode
result["moved"] = run("moveto", "drive:Backup/copied.txt", "drive:moved.txt").returncode
result["read"] = run("cat", "drive:moved.txt").stdout
result["part"] = run("cat", "--offset", "2", "--count", "3", "drive:moved.txt").stdout
result["link"] = run("link", "drive:moved.txt").stdout.strip()
about = json.loads(run("about", "--json", "drive:").stdout)
result["about"] = [about["total"], about["used"] > 30 << 20]
result["deleted"] = run("deletefile", "drive:moved.txt").returncode
result["purged"] = run("purge", "drive:Backup").returncode
result["left"] = run("lsf", "drive:").stdout.splitlines()
print(json.dumps(result))
