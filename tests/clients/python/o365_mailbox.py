"""Works with a mailbox and a calendar through python-o365; knows nothing of a mock.

Signs in at the pages, sends a message, lists, searches, moves and deletes, creates an
event, and renews the token; then reads as an app. The world comes from the ready file
(ENTRA_MOCK_READY). Prints one JSON object: what each step led to.
"""

import datetime
import html.parser
import io
import json
import os
import time
import urllib.parse

import requests
from O365 import Account
from O365.utils.token import MemoryTokenBackend

with open(os.environ["ENTRA_MOCK_READY"], encoding="utf-8") as file:
    world = json.load(file)["environments"]["office365"]

apps, users = world["apps"], world["users"]
alice, bob = users["alice"], users["bob"]
result = {}
SUBJECT = "Quarterly figures of the harbour"


def until(look, seconds=20):
    """What a look finds, once it finds something: mail takes a moment."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)


class Form(html.parser.HTMLParser):
    """The first form of a page: where it goes, and what it holds with its first button."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.is_over = None, {}, False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if self.is_over:
            return
        if tag == "form":
            self.action = attributes.get("action", "")
        elif tag in ("input", "button") and attributes.get("name"):
            self.fields.setdefault(attributes["name"], attributes.get("value", ""))

    def handle_endtag(self, tag):
        self.is_over = self.is_over or tag == "form"


def person(address):
    """Signs Alice in at the pages, and returns the address at which the browser ends."""
    browser = requests.Session()
    answer = browser.get(address, timeout=30)
    for field, text in [("loginfmt", alice["upn"]), ("passwd", alice["password"])]:
        form = Form(answer.text)
        form.fields[field] = text
        answer = browser.post(urllib.parse.urljoin(answer.url, form.action), data=form.fields, timeout=30)
    return answer.url


account = Account(
    (apps["native-app"]["client_id"],),
    auth_flow_type="public",
    tenant_id=world["tenant"]["id"],
    token_backend=MemoryTokenBackend(),
    timezone="Europe/Vienna",
)
scopes = ["User.Read", "Mail.ReadWrite", "Mail.Send", "Calendars.ReadWrite", "Contacts.ReadWrite"]
result["signed_in"] = account.authenticate(requested_scopes=scopes, handle_consent=person)
result["user"] = account.get_current_user_data().user_principal_name

mailbox = account.mailbox()
message = account.new_message()
message.to.add(bob["upn"])
message.cc.add(alice["upn"])
message.subject = SUBJECT
message.body = "<p>Dear Bob, the <b>figures</b> are attached.</p>"
message.attachments.add([(io.BytesIO(b"1;2;3\n"), "figures.csv")])
result["sent"] = message.send()


def arrived():
    query = mailbox.new_query().equals("subject", SUBJECT)
    return list(mailbox.inbox_folder().get_messages(limit=5, query=query, download_attachments=True))


found = until(arrived)
result["received"] = [found[0].subject, found[0].sender.address, [it.name for it in found[0].attachments]]
result["sent_items"] = len(list(mailbox.sent_folder().get_messages(
    query=mailbox.new_query().contains("subject", "harbour"))))

listed = list(mailbox.inbox_folder().get_messages(limit=40, batch=15, order_by="receivedDateTime DESC"))
result["listed"] = len(listed)
result["in_order"] = all(one.received >= other.received for one, other in zip(listed, listed[1:]))
search = mailbox.new_query().search("figures")
result["searched"] = SUBJECT in [it.subject for it in mailbox.get_messages(limit=25, query=search)]

folder = mailbox.create_child_folder("Harbour")
result["marked"] = found[0].mark_as_read()
result["moved"] = found[0].move(folder)
result["in_folder"] = [it.subject for it in folder.get_messages()]
reply = found[0].reply()
reply.body = "Thank you."
result["replied"] = reply.send()
draft = account.new_message()
draft.subject = "A draft"
result["draft"] = draft.save_draft() and draft.delete()

schedule = account.schedule()
calendar = schedule.get_default_calendar()
event = calendar.new_event(subject="Harbour review")
event.start = datetime.datetime.now() + datetime.timedelta(days=2)
event.end = event.start + datetime.timedelta(hours=1)
event.location = "Building 2"
event.body = "The figures."
event.remind_before_minutes = 15
event.is_online_meeting = False
event.attendees.add(bob["upn"])
event.recurrence.set_weekly(1, days_of_week=["tuesday"], first_day_of_week="monday",
                            start=event.start.date(), occurrences=3)
result["event"] = event.save()
query = calendar.new_query().equals("subject", "Harbour review")
created = list(calendar.get_events(query=query, include_recurring=False))
result["events"] = [[it.subject, it.location["displayName"], it.remind_before_minutes] for it in created]
occurrences = calendar.get_events(
    query=query,
    include_recurring=True,
    start_recurring=datetime.datetime.now(),
    end_recurring=datetime.datetime.now() + datetime.timedelta(days=40),
)
result["occurrences"] = len(list(occurrences))
created[0].subject = "Harbour review, moved"
result["changed"] = created[0].save()
result["removed"] = created[0].delete()

contact = account.address_book().new_contact()
contact.name, contact.surname = "Grace", "Hopper"
contact.emails.add("grace@example.com")
result["contact"] = contact.save()
result["contacts"] = "Grace" in [it.name for it in account.address_book().get_contacts(limit=50)]

result["renewed"] = account.connection.refresh_token()
result["still_reads"] = len(list(mailbox.inbox_folder().get_messages(limit=1)))

daemon = Account(
    (apps["daemon-secret"]["client_id"], apps["daemon-secret"]["client_secret"]),
    auth_flow_type="credentials",
    tenant_id=world["tenant"]["id"],
    main_resource=alice["upn"],
    token_backend=MemoryTokenBackend(),
)
result["app_signed_in"] = daemon.authenticate()
result["app_listed"] = len(list(daemon.mailbox().inbox_folder().get_messages(limit=3)))

print(json.dumps(result))
