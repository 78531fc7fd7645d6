"""Writes listed entities with Apache Beam's Datastore writer, on its direct runner.

    DATASTORE_EMULATOR_HOST=host:port python write.py PROJECT LISTING

Batches are as the writer makes them. Its ramp-up is off, for an emulator has nothing to warm.
Prints wall and CPU time of the pipeline, and the peak of resident memory.
"""

import base64
import json
import re
import sys
import time
from datetime import datetime
from pathlib import Path

import apache_beam as beam
from apache_beam.io.gcp.datastore.v1new.datastoreio import WriteToDatastore
from apache_beam.io.gcp.datastore.v1new.types import Entity, Key
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.cloud import datastore

# Two processes were found slower, and so was one thread.
OPTIONS = ["--direct_num_workers=2", "--direct_running_mode=multi_threading"]


def entity(project, listed):
    values = {}
    for name, value in listed["properties"].items():
        if isinstance(value, dict):
            # Beam's own entity wants a key, which a nested one has not.
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
    built = Entity(Key(listed["path"], project=project), exclude_from_indexes=excluded)
    built.set_properties(values)
    return built


def main():
    project, listing = sys.argv[1:]
    # Named, for the runner of that name prefers a program that it would download.
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(OPTIONS))
    (
        pipeline
        | beam.io.ReadFromText(listing)
        | beam.FlatMap(lambda line: [entity(project, listed) for listed in json.loads(line)])
        | WriteToDatastore(project, throttle_rampup=False)
    )
    cpu_before = time.process_time()
    started = time.monotonic()
    pipeline.run().wait_until_finish()
    seconds = time.monotonic() - started
    cpu_seconds = time.process_time() - cpu_before
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_rss_bytes": int(peak[1]) * 1024}))


if __name__ == "__main__":
    main()
