"""Twilio's own library, asked over standard input: one JSON list of questions, one of answers.

What it would send is recorded in place of being sent.
"""

import json
import sys

from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client


class Recorder(HttpClient):
    """Takes the last request, and answers with an empty list or an empty resource."""

    def request(self, method, url, params=None, data=None, headers=None, auth=None, timeout=None, allow_redirects=False):
        self.last = {"method": method, "url": url, "query": pairs(params), "form": pairs(data), "auth": list(auth)}
        lists = {"Messages.json": "messages", "Calls.json": "calls"}
        found = [name for end, name in lists.items() if method == "GET" and url.endswith(end)]
        return Response(200 if method == "GET" else 201, json.dumps({name: [] for name in found}))


class Repeated(dict):
    """Names that may have several values, as web frameworks have them."""

    def __init__(self, given):
        super().__init__()
        for name, value in given:
            self.setdefault(name, []).append(value)

    def getall(self, name):
        return self[name]


def pairs(given):
    """Names and texts; a list is a name with several values, as `requests` sends it."""
    found = []
    for name, value in (given or {}).items():
        for one in value if isinstance(value, list) else [value]:
            found.append([name, str(one)])
    return found


def sent(question):
    recorder = Recorder(None, False, None)
    client = Client(question["account"], question["token"], http_client=recorder)
    given = question["given"]
    match question["what"]:
        case "message":
            client.messages.create(**given)
        case "call":
            client.calls.create(**given)
        case "messages":
            client.messages.list(**given)
        case "calls":
            client.calls.list(**given)
        case "account":
            client.api.v2010.accounts(question["account"]).fetch()
    return recorder.last


def answer(question):
    if question["what"] == "sign":
        validator = RequestValidator(question["token"])
        if "body" in question:
            url = question["url"] + "bodySHA256=" + validator.compute_hash(question["body"])
            return {"url": url, "signature": validator.compute_signature(url, {})}
        signature = validator.compute_signature(question["url"], Repeated(question["params"]))
        return {"url": question["url"], "signature": signature}
    if question["what"] == "validate":
        validator = RequestValidator(question["token"])
        content = question["body"] if "body" in question else Repeated(question["params"])
        return validator.validate(question["url"], content, question["signature"])
    return sent(question)


json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)
