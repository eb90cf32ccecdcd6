#!/usr/bin/env python3
"""An editor at `emurun dap`: PyPI's dap-python says the requests, and each answer and event is held against the protocol's schema,
as PyPI's debugpy has it. editor.py EMURUN IMAGE PLAN, where a plan is one of those below; prints what it saw as JSON. Ends with 69
where these are not installed."""
import base64
import glob
import importlib.util
import json
import os
import subprocess
import sys

try:
    import jsonschema
    from dap.client import Client
    debugpy = importlib.util.find_spec("debugpy").submodule_search_locations[0]
    schema = json.load(open(glob.glob(debugpy + "/**/debugProtocol.json", recursive=True)[0]))
except (ImportError, AttributeError, IndexError):
    sys.exit(69)


class Body:
    """What a message says; what it does not say is None."""

    def __init__(self, members):
        self.__dict__.update(members)

    def __getattr__(self, name):
        return None


class Editor:
    """One session, from `initialize` to `disconnect`."""

    def __init__(self, emurun, folder, **launch):
        self.run = subprocess.Popen([emurun, "dap"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self.client = Client("emurun", client_id="test")
        self.output = ""
        self.events = []
        self.answers = {}
        self.checks = {}
        self.flush()
        launched = self.client.send_request("launch", launch)
        self.flush()
        self.answer(launched)
        self.event("initialized")

    def flush(self):
        self.run.stdin.write(self.client.send())
        self.run.stdin.flush()

    def validate(self, message):
        """By the one definition that is meant: "ThreadsResponse", "StoppedEvent"."""
        kind = message["event"] if message["type"] == "event" else message["command"]
        name = kind[:1].upper() + kind[1:] + message["type"].capitalize()
        if message["type"] == "response" and not message["success"]:
            name = "ErrorResponse"
        if name not in self.checks:
            assert name in schema["definitions"], name
            self.checks[name] = jsonschema.Draft4Validator({**schema, "$ref": "#/definitions/" + name})
        self.checks[name].validate(message)

    def read(self):
        header = self.run.stdout.readline()
        assert header.startswith(b"Content-Length: "), header
        assert self.run.stdout.readline() == b"\r\n"
        text = self.run.stdout.read(int(header.split(b":")[1]))
        self.validate(json.loads(text))
        message = json.loads(text, object_hook=Body)
        if message.type == "response":
            self.answers[message.request_seq] = message
        elif message.event == "output":
            if message.body.category == "stdout":
                self.output += message.body.output
        else:
            self.events.append(message)

    def response(self, seq):
        while seq not in self.answers:
            self.read()
        return self.answers.pop(seq)

    def answer(self, seq):
        message = self.response(seq)
        assert message.success, message.message
        return message.body

    def refused(self, command, arguments=None):
        seq = self.client.send_request(command, arguments)
        self.flush()
        message = self.response(seq)
        assert not message.success, command
        return message.message

    def event(self, name):
        while True:
            for message in self.events:
                if message.event == name:
                    self.events.remove(message)
                    return message.body
            self.read()

    def ask(self, method, *arguments, **named):
        seq = getattr(self.client, method)(*arguments, **named)
        self.flush()
        return self.answer(seq)

    def say(self, command, **arguments):
        seq = self.client.send_request(command, arguments)
        self.flush()
        return self.answer(seq)

    # What people do.
    def stop(self):
        return self.event("stopped")

    def move(self, command, **arguments):
        self.say(command, threadId=1, **arguments)
        return self.stop()

    def evaluate(self, text, context="watch"):
        return self.ask("evaluate", text, context=context).result

    def index(self):
        return int(self.evaluate("icount", "repl").split(",")[0].split()[1])

    def frames(self):
        return self.ask("stack_trace", 1).stackFrames

    def place(self):
        """The innermost frame: its function, file and line."""
        frame = self.frames()[0]
        return f"{frame.name} {frame.source.name if frame.source else '-'}:{frame.line}"

    def breakpoints(self, path, *lines):
        found = self.say("setBreakpoints", source={"path": path}, breakpoints=[{"line": line} for line in lines])
        return [point.line if point.verified else None for point in found.breakpoints]

    def variables(self, reference):
        return self.ask("variables", reference).variables

    def scope(self, name):
        scopes = self.ask("scopes", self.frames()[0].id).scopes
        return next(scope.variablesReference for scope in scopes if scope.name == name)

    def end(self):
        self.ask("disconnect")
        self.run.stdin.close()
        rest = self.run.stdout.read()
        assert rest == b"" or rest.startswith(b"Content-Length"), rest
        return self.run.wait(60)


def heartbeat(editor, source, line):
    """The same on both cores: a line that an interrupt comes by again and again."""
    saw = {"breakpoints": editor.breakpoints(source, line)}
    editor.ask("configuration_done")
    saw["entry"] = editor.stop().reason
    stops = []
    for _ in range(4):
        reason = editor.move("continue").reason
        stops.append([reason, editor.index(), editor.place(), editor.evaluate("$pc")])
    saw["stops"] = stops
    saw["back"] = []
    for _ in range(3):
        reason = editor.move("reverseContinue").reason
        saw["back"].append([reason, editor.index(), editor.place(), editor.evaluate("$pc")])
    # The first of them may have been in what never returns.
    editor.move("continue")
    editor.breakpoints(source)
    index = editor.index()
    editor.move("stepIn", granularity="instruction")
    saw["instruction"] = editor.index() - index
    editor.move("stepBack", granularity="instruction")
    saw["instructionBack"] = editor.index() - index
    editor.move("stepOut")
    saw["out"] = editor.place()
    editor.breakpoints(source, line)
    editor.move("continue")
    editor.breakpoints(source)
    saw["step"] = [editor.index()]
    editor.move("next")
    saw["step"] += [editor.index(), editor.place()]
    editor.move("stepBack")
    saw["stepBack"] = [editor.index(), editor.place()]
    return saw


def looking(editor, variable):
    """Registers, memory, variables and code."""
    saw = {}
    editor.ask("configuration_done")
    editor.stop()
    saw["threads"] = [thread.name for thread in editor.ask("threads").threads]
    registers = {register.name: register.value for register in editor.variables(editor.scope("Registers"))}
    saw["pc"] = [registers["pc"], editor.evaluate("$pc")]
    globals = {file.name: file.variablesReference for file in editor.variables(editor.scope("Globals"))}
    file = variable.split(":")[0]
    saw["global"] = [item.name for item in editor.variables(globals[file]) if variable == item.evaluateName]
    devices = {device.name: device.variablesReference for device in editor.variables(editor.scope("Devices"))}
    saw["uart"] = len(editor.variables(devices["uart0"])) > 0
    editor.say("setVariable", variablesReference=globals[file], name=variable.split(":")[1], value="7")
    saw["written"] = editor.evaluate(variable)
    address = editor.evaluate("&" + variable)
    memory = editor.ask("read_memory", address, 4)
    saw["memory"] = base64.b64decode(memory.data)[0]
    editor.say("writeMemory", memoryReference=address, data=base64.b64encode(b"\5").decode())
    saw["writtenMemory"] = editor.evaluate(variable)
    code = editor.say("disassemble", memoryReference=registers["pc"], instructionOffset=-2, instructionCount=6)
    saw["code"] = [[line.address, line.instruction] for line in code.instructions]
    saw["here"] = [line.address for line in code.instructions].index(registers["pc"])
    info = editor.ask("data_breakpoint_info", variable)
    saw["access"] = info.accessTypes
    editor.say("setDataBreakpoints", breakpoints=[{"dataId": info.dataId, "accessType": "write"}])
    saw["data"] = []
    for _ in range(2):
        stop = editor.move("continue")
        saw["data"].append([stop.reason, len(stop.hitBreakpointIds), editor.evaluate(variable)])
    back = editor.move("reverseContinue")
    saw["dataBack"] = [back.reason, editor.evaluate(variable)]
    editor.say("setDataBreakpoints", breakpoints=[])
    editor.say("continue", threadId=1)
    saw["running"] = editor.refused("next", {"threadId": 1})
    editor.say("pause", threadId=1)
    saw["pause"] = editor.stop().reason
    saw["refused"] = editor.refused("makeTea")
    return saw


def whole(editor):
    """A program from its start to its end."""
    editor.ask("configuration_done")
    exited = editor.event("exited")
    editor.event("terminated")
    return {"code": exited.exitCode, "output": editor.output}


def main():
    emurun, image, plan, *rest = sys.argv[1:]
    folder = os.path.dirname(os.path.dirname(os.path.abspath(image)))
    try:
        editor = Editor(emurun, folder, program=image, stopOnEntry=plan != "whole")
        saw = {"heartbeat": heartbeat, "looking": looking, "whole": whole}[plan](
            editor, *[int(word) if word.isdigit() else word for word in rest])
        saw["status"] = editor.end()
    finally:
        if "editor" in locals():
            editor.run.kill()
    print(json.dumps(saw))


main()
