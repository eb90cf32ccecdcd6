#!/usr/bin/env python3
"""A run in OTLP/JSON by protobuf's own decoder and OpenTelemetry's definitions: otlp.py FILE. Prints what it found.

OTLP/JSON has IDs in hexadecimal digits where protobuf's JSON has base64: they are turned first. Unknown fields are errors.
"""
import base64
import json
import re
import sys

try:
    from google.protobuf import json_format
    from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
except ImportError:
    sys.exit(69)

IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def turned(value):
    if isinstance(value, list):
        return [turned(element) for element in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, member in value.items():
        if key in IDS:
            assert re.fullmatch("[0-9a-f]{%d}" % (2 * IDS[key]), member) and set(member) != {"0"}, member
            member = base64.b64encode(bytes.fromhex(member)).decode()
        result[key] = turned(member)
    return result


def texts(attributes):
    return {one.key: one.value.string_value for one in attributes}


lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
traces = json_format.ParseDict(turned(lines[0]), TracesData())
metrics = json_format.ParseDict(turned(lines[1]), MetricsData())

resource = traces.resource_spans[0].resource
assert texts(resource.attributes)["service.name"] == "emurun"
spans = traces.resource_spans[0].scope_spans[0].spans
root, children = spans[0], spans[1:]
assert not root.parent_span_id and all(child.parent_span_id == root.span_id for child in children)
assert len({span.span_id for span in spans}) == len(spans)
assert all(span.trace_id == root.trace_id for span in spans)
digest = texts(root.attributes)["emurun.trace_digest"]
assert bytes.fromhex(digest)[:16] == root.trace_id
assert root.start_time_unix_nano == 1767225600 * 10**9
for child in children:
    assert root.start_time_unix_nano <= child.start_time_unix_nano <= child.end_time_unix_nano <= root.end_time_unix_nano
seconds = (root.end_time_unix_nano - root.start_time_unix_nano) / 1e9
print("spans", len(spans), "root", root.name, "seconds", seconds, "children", len(children), "handler", children[0].name if children else "-")
print("events", len(root.events), "first", texts(root.events[0].attributes)["text"])

values = {}
for metric in metrics.resource_metrics[0].scope_metrics[0].metrics:
    assert metric.sum.is_monotonic and metric.sum.aggregation_temporality == 2
    for point in metric.sum.data_points:
        values[metric.name, texts(point.attributes).get("led")] = point.as_int
assert values["emurun.instructions", None] > 0
print("metrics emurun.instructions emurun.virtual_time", values["emurun.virtual_time", None], "PF1", values["emurun.led.edges", "PF1"])
