#!/usr/bin/env python3
"""The traceDigest of a run from its JSON Lines (emurun --trace-file), by docs/digest.md alone: trace_digest.py FILE.

Prints two lines: the digest, and the flow where the file's own traps and interrupts tell it (one RV64 hart, else "-").
"""
import hashlib
import json
import struct
import sys

REASONS = (
    "finisher semihosting htif sbi-reset reset time-limit instruction-limit expect-text fail-text idle lockup trap-loop fault "
    "interrupted script"
).split()
CONSOLE = {"sbi": 1, "semihosting": 2, "htif": 3}
CORE = 0xFFFF


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def record(line, slots):
    """The 32 bytes of a visible event; None for another one."""
    kind = line["kind"]
    source = slots.get(line["source"], CORE)
    if kind in ("led", "gpio"):
        number, detail, value = 1, line["pin"], line["level"]
    elif kind == "uart":
        number, detail, value = 2, 0, line["byte"]
    elif kind == "uart-input":
        number, detail, value = 3, 0, line["byte"]
    elif kind == "console":
        number, detail, value = 4, CONSOLE[line["by"]], line["byte"]
    elif kind == "reset":
        number, detail, value = 5, slots.get(line["by"], CORE), 0
    elif kind == "stop":
        number, detail, value = 6, REASONS.index(line["reason"]) + 1, line["code"]
    elif kind == "clock":
        number, detail, value = 17, line["denominator"], line["numerator"]
    elif kind == "input":
        number, detail, value = 18, line["pin"], line["level"]
    else:
        return None
    return struct.pack("<QQHBBIQ", line["tick"], line["index"], source, number, line["hart"], detail, value)


def fold(flow, *words):
    for word in words:
        flow = (flow ^ word) * 0x9E3779B97F4A7C15 % 2**64
        flow ^= flow >> 32
    return flow


def main(path):
    with open(path, encoding="utf-8") as file:
        lines = map(json.loads, file)
        header = next(lines)
        assert header["format"] == "emurun-trace" and header["version"] == 2, "another format"
        assert {"led", "gpio", "uart"} <= set(header["kinds"]), "not all visible events are in it"
        print(*answer(header, lines), sep="\n")


def answer(header, lines):
    slots = {name: number for number, name in enumerate(header["devices"])}
    is_rv64 = header["board"].startswith("rv64")
    is_simple = is_rv64 and header["harts"] == 1 and {"irq", "trap"} <= set(header["kinds"])
    digest = hashlib.sha256(text("emurun trace") + struct.pack("<I", 1) + text(header["board"]))
    digest.update(struct.pack("<I", header["boardRevision"]))
    if header["harts"] > 1:
        digest.update(struct.pack("<IQ", header["harts"], header["quantum"]))
    count, reason, code, flow, end = 0, 0, 0, 0, None
    for line in lines:
        kind = line["kind"]
        if kind == "end":
            end = line
            break
        data = record(line, slots)
        if data:
            digest.update(data)
            count += 1
        if kind == "stop":
            reason, code = REASONS.index(line["reason"]) + 1, line["code"]
        elif kind == "reset":
            is_simple = False
        elif kind == "trap":
            # Behind the attempt; a fetch that faults is none.
            flow = fold(flow, line["index"] + (line["cause"] not in (0, 1, 12)), line["cause"], int(line["pc"], 16))
        elif kind == "irq":
            flow = fold(flow, line["index"], line["number"] | 1 << 63, int(line["pc"], 16))
    assert end is not None, "the last lines are missing"
    counts = end["traps"]
    digest.update(struct.pack(
        "<QII9Q", count, reason, code, end["index"], end["tick"], end["retired"], counts["ecall"], counts["ebreak"],
        counts["svc"], counts["interrupts"], counts["faults"], int(end["flow"], 16)))
    return digest.hexdigest(), hex(fold(0, flow, 0)) if is_simple else "-"


main(sys.argv[1])
