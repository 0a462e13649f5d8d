"""Reads OTLP requests as OpenTelemetry's own classes have them: one JSON document a line on standard input, what the classes
read of it on standard output. A field that they do not know, or of another type, is an error."""
import base64
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def from_hex(node):
    """OTLP's one deviation from the JSON form of protobuf: ids are hexadecimal there, base64 here."""
    if isinstance(node, list):
        return [from_hex(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {name: from_hex(value) for name, value in node.items()}
    for name, length in IDS.items():
        if name in out:
            raw = bytes.fromhex(out[name])
            assert len(raw) == length and any(raw), (name, out[name])
            out[name] = base64.b64encode(raw).decode()
    return out


def attributes(holder):
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in holder.attributes}


spans = []
for line in sys.stdin:
    request = json_format.ParseDict(from_hex(json.loads(line)), ExportTraceServiceRequest())
    # Whole on the wire too.
    request = ExportTraceServiceRequest.FromString(request.SerializeToString())
    for resource in request.resource_spans:
        service = attributes(resource.resource)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                spans.append({
                    "service": service,
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "name": span.name,
                    "kind": span.kind,
                    "start": span.start_time_unix_nano,
                    "end": span.end_time_unix_nano,
                    "is_error": span.status.code == 2,
                    "message": span.status.message,
                    "flags": span.flags,
                    "attributes": attributes(span),
                })
json.dump(spans, sys.stdout)
