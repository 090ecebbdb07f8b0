# A backend that notifies users through a hub, by HTTP and with Python's standard library alone: the server is hub-notifications.ts.
#
#   HUB_KEY=… python3 examples/notify.py USER TITLE [URL]

import datetime
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid


def notify(url, key, user, title, tries=5):
    """Sends a notification, once: a request whose answer is lost is sent again under the same key. Returns the hub's answer."""
    now = datetime.datetime.now(datetime.timezone.utc)
    data = {"title": title, "at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    request = urllib.request.Request(
        f"{url}/hub/publish",
        method="POST",
        data=json.dumps({"topic": f"inbox:{user}", "data": data}).encode(),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        },
    )
    for attempt in range(1, tries + 1):
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            # 409, 429 and 503 say: later. The others will be the same the next time.
            if error.code not in (409, 429, 503) or attempt == tries:
                raise SystemExit(json.load(error)["detail"])
            wait = float(error.headers.get("Retry-After", attempt))
        except OSError as error:  # no connection, or one that was lost: it may have happened
            if attempt == tries:
                raise SystemExit(f"{url}: {error}")
            wait = attempt
        time.sleep(wait)


if len(sys.argv) < 3:
    sys.exit("usage: notify.py USER TITLE [URL]")
where = sys.argv[3] if len(sys.argv) > 3 else "http://localhost:8080"
print(json.dumps(notify(where, os.environ["HUB_KEY"], sys.argv[1], sys.argv[2])))
