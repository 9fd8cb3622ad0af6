"""Collects the sign-in log as a SIEM does: a window of time, pages, the next link as it is.

The world is that of groups.yaml. Prints one JSON object.
"""

import json
import os
from datetime import datetime, timedelta, timezone

import msal
import requests

with open(os.environ["ENTRA_MOCK_READY"], encoding="utf-8") as file:
    world = json.load(file)["environments"]["office365"]

authority = f"https://login.microsoftonline.com/{world['tenant']['id']}"
graph = "https://graph.microsoft.com"
agent = msal.PublicClientApplication(world["apps"]["agent"]["client_id"], authority=authority)
for name in ["alice", "admin", "alice", "admin", "alice"]:
    user = world["users"][name]
    agent.acquire_token_by_username_password(user["upn"], user["password"], [f"{graph}/User.Read.All"])

collector = world["apps"]["collector"]
app = msal.ConfidentialClientApplication(
    collector["client_id"], authority=authority, client_credential=collector["client_secret"]
)
token = app.acquire_token_for_client([f"{graph}/.default"])["access_token"]
session = requests.Session()
session.headers["Authorization"] = f"Bearer {token}"


def collect(begin):
    """All pages of the sign-ins since a moment."""
    params = {"$filter": f"createdDateTime ge {begin.strftime('%Y-%m-%dT%H:%M:%SZ')}", "$top": "2"}
    answer = session.get(f"{graph}/v1.0/auditLogs/signIns", params=params, timeout=30)
    records, pages = [], 0
    while True:
        answer.raise_for_status()
        body = answer.json()
        records += body["value"]
        pages += 1
        if "@odata.nextLink" not in body:
            return records, pages
        answer = session.get(body["@odata.nextLink"], timeout=30)


now = datetime.now(timezone.utc)
records, pages = collect(now - timedelta(hours=1))
later, _ = collect(now + timedelta(hours=1))
times = [record["createdDateTime"] for record in records]
print(
    json.dumps(
        {
            "count": len(records),
            "distinct": len({record["id"] for record in records}),
            "pages": pages,
            "newest_first": times == sorted(times, reverse=True),
            "people": sorted({record["userPrincipalName"] for record in records}),
            "apps": sorted({record["appDisplayName"] for record in records}),
            "codes": sorted({record["status"]["errorCode"] for record in records}),
            "later": len(later),
        }
    )
)
