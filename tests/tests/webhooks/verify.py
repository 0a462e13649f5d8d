"""Verifies deliveries with the package standardwebhooks: a list of {key, headers, body} in, a list of booleans out."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def verifies(question):
    try:
        Webhook(question["key"]).verify(question["body"], question["headers"], json_parse=False)
        return True
    except (WebhookVerificationError, ValueError):
        return False


print(json.dumps([verifies(question) for question in json.load(sys.stdin)]))
