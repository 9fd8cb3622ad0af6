"""Works with a drive through python-o365; knows nothing of a mock.

Makes folders, uploads small and large files, lists, downloads, copies, moves, shares, deletes.
The world comes from the ready file (ENTRA_MOCK_READY). Prints one JSON object.
"""

import hashlib
import json
import os
import pathlib
import tempfile

from O365 import Account
from O365.utils.token import MemoryTokenBackend

with open(os.environ["ENTRA_MOCK_READY"], encoding="utf-8") as file:
    world = json.load(file)["environments"]["office365"]

app, alice = world["apps"]["phone"], world["users"]["alice"]
account = Account(
    (app["client_id"],),
    auth_flow_type="password",
    username=alice["upn"],
    password=alice["password"],
    tenant_id=world["tenant"]["id"],
    token_backend=MemoryTokenBackend(),
)
result = {"signed_in": account.authenticate(requested_scopes=["Files.ReadWrite.All"])}
drive = account.storage().get_default_drive(request_drive=True)
result["drive"] = [drive.drive_type, drive.quota["state"]]
root = drive.get_root_folder()
folder = root.create_child_folder("Harbour plans")
inner = folder.create_child_folder("Drafts")

place = pathlib.Path(tempfile.mkdtemp())
small, large = place / "small.txt", place / "large.bin"
small.write_text("figures\n", encoding="utf-8")
large.write_bytes(os.urandom(12 << 20))
result["small"] = inner.upload_file(small).size
result["large"] = inner.upload_file(large).size
result["listed"] = sorted(it.name for it in inner.get_items())
result["paged"] = len(list(inner.get_items(limit=2, batch=1)))
by_path = drive.get_item_by_path("/Harbour plans/Drafts/large.bin")
result["hash"] = bool(by_path.hashes.get("quickXorHash"))
by_path.download(to_path=place, name="again.bin")
digest = [hashlib.sha256(it.read_bytes()).hexdigest() for it in (large, place / "again.bin")]
result["same"] = digest[0] == digest[1]
item = drive.get_item_by_path("/Harbour plans/Drafts/small.txt")
result["renamed"] = item.update(name="figures.txt")
operation = item.copy(target=folder, name="copied.txt")
for status, progress in operation.check_status(delay=0):
    result["copied"] = [status, progress]
result["moved"] = item.move(folder)
result["in_folder"] = sorted(it.name for it in folder.get_items())
link = item.share_with_link(share_type="view", share_scope="organization")
result["shared"] = link.share_link.startswith("https://contoso-my.sharepoint.com/")
result["permissions"] = len(list(item.get_permissions()))
result["versions"] = len(list(item.get_versions()))
result["found"] = [it.name for it in root.search("figures")]
result["deleted"] = folder.delete()
result["left"] = [it.name for it in root.get_items()]
print(json.dumps(result))
