"""Works with a drive and a site through Office365-REST-Python-Client; knows nothing of a mock.

The world comes from the ready file (ENTRA_MOCK_READY). Prints one JSON object.
"""

import json
import os
import pathlib
import tempfile

from office365.graph_client import GraphClient

with open(os.environ["ENTRA_MOCK_READY"], encoding="utf-8") as file:
    world = json.load(file)["environments"]["office365"]

alice, tenant = world["users"]["alice"], world["tenant"]["id"]
app = world["apps"]["files"]
person = GraphClient(tenant=tenant).with_username_and_password(
    world["apps"]["phone"]["client_id"], alice["upn"], alice["password"])
alone = GraphClient(tenant=tenant).with_client_secret(app["client_id"], app["client_secret"])

drive = person.me.drive
result = {"drive": drive.get().execute_query().drive_type}
folder = drive.root.create_folder("Harbour").execute_query()
place = pathlib.Path(tempfile.mkdtemp())
(place / "small.txt").write_text("figures", encoding="utf-8")
large = os.urandom((7 << 20) + 1)
(place / "large.bin").write_bytes(large)
small = folder.upload_file(str(place / "small.txt")).execute_query()
folder.resumable_upload(str(place / "large.bin"), chunk_size=4 * 320 * 1024).get().execute_query()
folder.create_folder("Drafts").execute_query()

def names(items):
    return sorted(it.name for it in items)

result["children"] = names(folder.children.get().execute_query())
result["files"] = names(drive.root.get_files(True).execute_query())
result["folders"] = names(drive.root.get_folders(True).execute_query())
with open(place / "down.bin", "wb") as target:
    drive.root.get_by_path("Harbour/large.bin").download(target).execute_query()
result["same"] = (place / "down.bin").read_bytes() == large
result["content"] = small.get_content().execute_query().value.decode()
result["copied"] = small.copy("copy.txt").execute_query().value.startswith("https://contoso-my.sharepoint.com/")
small.rename("renamed.txt").execute_query()
result["found"] = names(drive.root.search("renamed").execute_query())
result["changed"] = names(drive.root.delta.get().execute_query())
link = folder.create_link("view").execute_query().link
result["link"] = link.scope
result["shared"] = person.shares.by_url(link.webUrl).drive_item.get().execute_query().name
small.checkout().execute_query()
small.checkin("done").execute_query()
folder.delete_object().execute_query()
result["left"] = names(drive.root.children.get().execute_query())

sites = alone.sites
result["root"] = sites.root.get().execute_query().web_url
result["by_url"] = sites.get_by_url("https://contoso.sharepoint.com/sites/sales").get().execute_query().name

result["searched"] = sorted(it.web_url for it in sites.search("Sales").execute_query())
tasks = sites.root.lists.add("Tasks", "genericList").execute_query()
tasks.items.add(fields={"Title": "One"}).execute_query()
rows = tasks.items.expand(["fields"]).get().execute_query()
result["rows"] = [it.fields.properties["Title"] for it in rows]
print(json.dumps(result))
