"""Measures the Python package for bench/python.ts: prints one figure as a line of JSON.

    python-rates.py read APP FLOW SECONDS         buffers per second that an input takes in place
    python-rates.py write APP FLOW SECONDS SIZE   buffers per second that an output writes
    python-rates.py spectrum APP SECONDS          microseconds to read 4,096 channels by name, copied
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bindings" / "python" / "src"))
import mirrorflow  # noqa: E402

BATCH = 1000


def read(app, flow, seconds):
    with app.open_input(flow, start="next") as source:
        for _ in range(BATCH):
            source.take()
        count = 0
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            for _ in range(BATCH):
                source.take().data
            count += BATCH
        return count / (time.perf_counter() - began)


def write(app, flow, seconds, size):
    content = bytes(size)
    with app.open_output(flow, buffer_size=size, buffers=4096) as out:
        print(json.dumps({"ready": True}), flush=True)
        while out.consumers < 1:
            time.sleep(0.01)
        for _ in range(BATCH):
            out.write(content)
        count = 0
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            for _ in range(BATCH):
                out.write(content)
            count += BATCH
        return count / (time.perf_counter() - began)


def spectrum(app, seconds):
    mirror = app.mirror()
    name = next(each for each in mirror if mirror[each].shape and mirror[each].counts.size >= 4096)
    count = 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(BATCH):
            mirror[name].counts.ravel()[:4096].copy()
        count += BATCH
    return (time.perf_counter() - began) / count * 1e6


role, application, *rest = sys.argv[1:]
with mirrorflow.connect(application, name=f"python-{role}") as client:
    if role == "read":
        figure = read(client, rest[0], float(rest[1]))
    elif role == "write":
        figure = write(client, rest[0], float(rest[1]), int(rest[2]))
    else:
        figure = spectrum(client, float(rest[0]))
    print(json.dumps({"figure": figure}), flush=True)
