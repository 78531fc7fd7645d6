"""Sends with Google's client for Python, by `send_each`.

    REQUESTS_CA_BUNDLE=PEM python send.py GATEWAY COUNT

Prints wall and CPU time of the sending, and the peak of resident memory.
"""

import json
import re
import sys
import time
from pathlib import Path

import firebase_admin
from firebase_admin import messaging
from google.auth.credentials import Credentials

# The most that one call takes, which has threads of its own.
AT_ONCE = 500


class Fixed(Credentials):
    """A token that is used as it is."""

    def refresh(self, request):
        self.token = "token"


class Known(firebase_admin.credentials.Base):
    """What firebase_admin takes for credentials."""

    def get_credential(self):
        return Fixed()


def message(no):
    name = f"User {no}"
    push = f"00000000-0000-5000-8000-{no:012}"
    return messaging.Message(
        token=f"{no:0>22}:APA91b{'x' * 134}",
        notification=messaging.Notification(
            title=f"For {name}",
            body=f"{name}, your ride home is 20 % off until midnight. Show this at the door.",
        ),
        data={"push_id": push, "deep_link": "app://coupons/today"},
        android=messaging.AndroidConfig(
            priority="high",
            collapse_key=push,
            notification=messaging.AndroidNotification(tag=push, channel_id="campaigns"),
        ),
    )


def main():
    gateway, count = sys.argv[1], int(sys.argv[2])
    messaging._MessagingService.FCM_URL = gateway + "/v1/projects/{0}/messages:send"
    firebase_admin.initialize_app(Known(), {"projectId": "demo"})
    cpu_before = time.process_time()
    started = time.monotonic()
    accepted = 0
    for first in range(0, count, AT_ONCE):
        messages = [message(no) for no in range(first, min(first + AT_ONCE, count))]
        accepted += messaging.send_each(messages).success_count
    seconds = time.monotonic() - started
    cpu_seconds = time.process_time() - cpu_before
    if accepted != count:
        sys.exit(f"{accepted} of {count} were accepted")
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_rss_bytes": int(peak[1]) * 1024}))


main()
