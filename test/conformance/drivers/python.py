"""The conformance driver of the Python binding: executes the commands of test/conformance/README.md.

Reads one JSON object a line on standard input, answers each with one line on standard output.
"""

import concurrent.futures
import json
import struct
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bindings" / "python" / "src"))
import mirrorflow  # noqa: E402

PATTERN = bytes(range(256)) * 2
HEAD = struct.Struct("<QI")
FLOW_TYPES = {
    "json": lambda _: mirrorflow.json_values(),
    "array": lambda spec: mirrorflow.arrays(spec["kind"], spec.get("shape")),
    "deflate": lambda spec: mirrorflow.deflated(flow_type(spec["inner"])),
}


@dataclass
class RunStarted:
    run: int
    title: str
    weights: list[float]


def flow_type(spec):
    return None if spec is None else FLOW_TYPES[spec["name"]](spec)


def content_of(number, size):
    start = number % 256
    body = (PATTERN[start : start + 256] * (size // 256 + 1))[: size - HEAD.size]
    return HEAD.pack(number, zlib.crc32(body)) + body


def is_whole(data):
    return zlib.crc32(data[HEAD.size :]) == HEAD.unpack_from(data)[1]


class Driver:
    def __init__(self):
        self.app = None
        self.open = {}
        self.waits = concurrent.futures.ThreadPoolExecutor(1)

    def connect(self, app, name, **_):
        self.app = mirrorflow.connect(app, name=name)

    def openInput(self, name, flow, delivery="lossless", start="oldest", type=None, **_):
        self.open[name] = self.app.open_input(flow, delivery=delivery, start=start, type=flow_type(type))

    def openOutput(self, name, flow, bufferSize=None, buffers=16, type=None, maxBytes=None, **_):
        self.open[name] = self.app.open_output(
            flow, buffer_size=bufferSize, buffers=buffers, type=flow_type(type), max_bytes=maxBytes
        )

    def write(self, name, first, count, size, inPlace=False, **_):
        output = self.open[name]
        for number in range(first, first + count):
            content = content_of(number, size)
            if not inPlace:
                output.write(content)
                continue
            with output.reserve() as slot:
                slot.data[:size] = content
                slot.size = size
        return {"next": first + count}

    def read(self, name, until, next=-1, **_):
        source = self.open[name]
        found = {"read": 0, "doubled": 0, "lost": 0, "torn": 0, "first": -1, "missed": 0}
        while next < until:
            data = source.take().data
            number = HEAD.unpack_from(data)[0]
            if not is_whole(data):
                found["torn"] += 1
            if found["first"] < 0:
                found["first"] = number
            elif number < next:
                found["doubled"] += 1
            elif number > next:
                found["lost"] += number - next
            next = number + 1
            found["read"] += 1
        found["missed"] = source.missed
        return found

    def writeValue(self, name, value, **_):
        output = self.open[name]
        spec = value
        if isinstance(value, dict) and "array" in value:
            import numpy

            spec = numpy.array(value["array"], dtype=value["dtype"]).reshape(value["shape"])
        output.write(spec)

    def takeValue(self, name, **_):
        buffer = self.open[name].take(10)
        value = buffer.value
        if hasattr(value, "shape"):
            value = {"array": value.ravel().tolist(), "shape": list(value.shape)}
        return {"bytes": bytes(buffer.data).hex(), "value": value}

    def spectrum(self, name, **_):
        mirror = self.app.mirror()
        found = mirror.read(lambda spectra: self.describe(spectra[name]))
        assert self.describe(mirror[name])["shape"] == found["shape"]
        return found

    def describe(self, spectrum):
        # Stored channels, as the other libraries count them: an axis has those in range.
        stored = reversed(spectrum.counts.shape)
        return {
            "type": spectrum.type,
            "shape": list(spectrum.counts.shape),
            "sum": spectrum.sum,
            "counts": spectrum.counts.ravel()[:64].tolist(),
            "axes": [[axis.low, axis.high, count] for axis, count in zip(spectrum.axes, stored)],
        }

    def spectra(self, **_):
        return list(self.app.mirror())

    def updates(self, count, **_):
        seen = []
        for sequence in self.app.mirror().updates(timeout=20):
            seen.append(sequence)
            if len(seen) == count:
                break
        return seen

    def send(self, client, run, title, weights, **_):
        return len(self.app.send(RunStarted(run, title, weights), client=client)["received"])

    def listen(self, **_):
        self.awaited = self.waits.submit(self.app.wait_for, RunStarted, 20)
        while not self.app._inbox._waiters and not self.awaited.done():
            time.sleep(0)

    def waitFor(self, **_):
        message = self.awaited.result()
        return {"run": message.run, "title": message.title, "weights": message.weights}

    def close(self, name=None, **_):
        (self.app if name is None else self.open.pop(name)).close()

    def answer(self, request):
        try:
            value = getattr(self, request["do"])(**{k: v for k, v in request.items() if k != "do"})
            return {"ok": value}
        except mirrorflow.MirrorflowError as error:
            return {"error": error.code, "message": str(error)}
        except Exception as error:
            return {"error": type(error).__name__, "message": str(error)}


driver = Driver()
for line in sys.stdin:
    sys.stdout.write(json.dumps(driver.answer(json.loads(line))) + "\n")
    sys.stdout.flush()
