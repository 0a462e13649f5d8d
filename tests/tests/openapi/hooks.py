"""What no schema can say, for requests that are meant to be good: which numbers exist, and what there is to wait for."""

import itertools

import schemathesis

# Numbers that exist, each used once: a phone may be sent three codes at once.
PHONES = (f"+9197{number:08}" for number in itertools.count())
ORDERS = {"createOrder", "preflightOrder"}
# Long polls of a generated length would fill the test's time.
WAIT_S = 1


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.hook
def before_call(ctx, case, kwargs):
    body = case.body
    if case.operation.definition.raw.get("operationId") in ORDERS and is_positive(case) and isinstance(body, dict):
        body["to"] = {"phone": next(PHONES)}
        body["service"] = "login"
    query = case.query
    if query and str(query.get("wait", "")).isdecimal() and WAIT_S < int(query["wait"]) <= 55:
        query["wait"] = WAIT_S
