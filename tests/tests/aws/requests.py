"""Judges requests to AWS by botocore: its service models, its serialisers, its signer."""

import datetime
import json
import sys
from urllib.parse import parse_qs

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

SESSION = botocore.session.get_session()
MODELS = {"aws_sms": SESSION.get_service_model("pinpoint-sms-voice-v2"), "aws_sns": SESSION.get_service_model("sns")}


def read(call):
    """The operation and its parameters, as a request has them."""
    model = MODELS[call["kind"]]
    headers = dict(call["headers"])
    if call["kind"] == "aws_sms":
        prefix, name = headers["x-amz-target"].split(".")
        assert prefix == model.metadata["targetPrefix"], prefix
        assert headers["content-type"] == "application/x-amz-json-" + model.metadata["jsonVersion"]
        return model.operation_model(name), json.loads(call["body"])
    form = {name: values for name, values in parse_qs(call["body"], strict_parsing=True).items()}
    assert all(len(values) == 1 for values in form.values()), form
    form = {name: values[0] for name, values in form.items()}
    params, attributes = {}, {}
    for name, value in form.items():
        if name.startswith("MessageAttributes.entry."):
            _, _, at, field = name.split(".", 3)
            attributes.setdefault(at, {})[field] = value
        elif name not in ("Action", "Version"):
            params[name] = value
    if attributes:
        params["MessageAttributes"] = {
            entry["Name"]: {"DataType": entry["Value.DataType"], "StringValue": entry["Value.StringValue"]}
            for entry in attributes.values()
        }
    assert form["Version"] == model.api_version, form
    return model.operation_model(form["Action"]), params


def serialised(call, operation, params):
    """Whether botocore writes the same body."""
    protocol = MODELS[call["kind"]].metadata["protocol"]
    request = create_serializer(protocol).serialize_to_request(params, operation)
    if call["kind"] == "aws_sms":
        return json.loads(request["body"]) == json.loads(call["body"])
    ours = {name: values[0] for name, values in parse_qs(call["body"]).items()}
    return {name: str(value) for name, value in request["body"].items()} == ours


def signed(call):
    """The authorization, as botocore makes it at the same time with the same key."""
    at = datetime.datetime.fromtimestamp(call["at_ms"] // 1000, datetime.timezone.utc)
    own = ("x-amz-date", "x-amz-security-token")
    headers = {name: value for name, value in call["headers"] if name not in own}
    request = AWSRequest(method=call["method"], url=call["url"], data=call["body"].encode(), headers=headers)
    credentials = Credentials(call["key_id"], call["key"], call["token"])
    signer = SigV4Auth(credentials, MODELS[call["kind"]].signing_name, call["region"])
    request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(request)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    for name in own:
        assert dict(call["headers"]).get(name) == request.headers.get(name), name
    return request.headers["Authorization"]


def judge(call):
    operation, params = read(call)
    if operation.input_shape is not None:
        report = ParamValidator().validate(params, operation.input_shape)
        if report.has_errors():
            return report.generate_report()
    if not serialised(call, operation, params):
        return "another body"
    if signed(call) != call["authorization"]:
        return "another signature: " + signed(call)
    return None


calls = json.load(sys.stdin)
verdicts = [(call["kind"], judge(call)) for call in calls]
json.dump({"judged": len(calls), "wrong": [verdict for verdict in verdicts if verdict[1]]}, sys.stdout)
