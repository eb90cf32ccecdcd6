#!/usr/bin/env python3
"""Every change in a VCD file as PyPI's vcdvcd reads it, as JSON: vcd.py FILE. Ends with 69 where vcdvcd is not installed."""
import json
import sys

try:
    from vcdvcd import VCDVCD
except ImportError:
    sys.exit(69)
dump = VCDVCD(sys.argv[1])
assert dump.timescale["timescale"] * 10**12 == 1, dump.timescale
print(json.dumps({
    name: [{"time": time, "value": value} for time, value in dump[name].tv] for name in dump.signals
}))
