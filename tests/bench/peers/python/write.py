"""Writes listed entities with Google's client for Python.

    DATASTORE_EMULATOR_HOST=host:port python write.py PROJECT LISTING

A line of the listing is a batch; a batch is one commit, so many of them at a time. Prints wall
and CPU time of the writing, and the peak of resident memory.
"""

import base64
import json
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from google.cloud import datastore

# Sixteen were not found faster: one thread at a time builds and encodes.
IN_FLIGHT = 8


def entity(client, listed):
    values = {}
    for name, value in listed["properties"].items():
        if isinstance(value, dict):
            nested = datastore.Entity(exclude_from_indexes=tuple(value))
            nested.update(value)
            value = nested
        values[name] = value
    for name, blob in listed.get("blobs", {}).items():
        values[name] = base64.b64decode(blob)
    for name, instant in listed.get("instants", {}).items():
        values[name] = datetime.fromisoformat(instant)
    indexed = listed.get("indexed", ())
    excluded = tuple(name for name in values if name not in indexed)
    built = datastore.Entity(client.key(*listed["path"]), exclude_from_indexes=excluded)
    built.update(values)
    return built


def write(client, line):
    client.put_multi([entity(client, listed) for listed in json.loads(line)])


def work(client, lines, lock):
    while True:
        with lock:
            line = next(lines, None)
        if line is None:
            return
        write(client, line)


def main():
    project, listing = sys.argv[1:]
    client = datastore.Client(project=project)
    # The connection is there before the clock runs.
    client.get(client.key("Chunk", "none"))
    with open(listing, encoding="utf-8") as lines, ThreadPoolExecutor(IN_FLIGHT) as pool:
        lock = threading.Lock()
        cpu_before = time.process_time()
        started = time.monotonic()
        for done in [pool.submit(work, client, lines, lock) for _ in range(IN_FLIGHT)]:
            done.result()
        seconds = time.monotonic() - started
        cpu_seconds = time.process_time() - cpu_before
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_rss_bytes": int(peak[1]) * 1024}))


main()
