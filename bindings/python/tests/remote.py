"""Tests of applications of other machines, on a running system: `e1` mirrors a simulated SpecTcl.

test/conformance/python-remote.test.ts starts the system and this module; not found by discovery. It
states the host server in MIRRORFLOW_TEST_HOST, over TLS its certificate in MIRRORFLOW_TEST_CA.
"""

import asyncio
import os
import re
import signal
import struct
import threading
import time
import unittest
import zlib

import numpy as np

import mirrorflow
from mirrorflow import errors
from mirrorflow.remote import RemoteApp
from mirrorflow.remote._secret import Secret
from mirrorflow.remote._transport import Security

from .line import Line

APP = "e1"
HOST = os.environ["MIRRORFLOW_TEST_HOST"]
CA = os.environ.get("MIRRORFLOW_TEST_CA")
CERTIFICATE = os.environ.get("MIRRORFLOW_TEST_CERTIFICATE")
WRONG = "the secret of another laboratory"
HEAD = struct.Struct("<QI")


def connect(**options):
    return mirrorflow.connect(APP, host=HOST, ca=CA, **options)


def numbered(number, size):
    body = bytes([number % 251]) * (size - HEAD.size)
    return HEAD.pack(number, zlib.crc32(body)) + body


def number_of(buffer):
    number, crc = HEAD.unpack_from(buffer.data)
    assert zlib.crc32(buffer.data[HEAD.size :]) == crc, f"buffer {number} is torn"
    return number


def until(condition, what, timeout=20.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {timeout:g} s"
        time.sleep(0.01)


class Case(unittest.TestCase):
    def setUp(self):
        self.here = mirrorflow.connect(APP, name="here")
        self.addCleanup(self.here.close)
        self.there = connect()
        self.addCleanup(self.there.close)

    def duplicator(self, flow):
        return next(each.get("pid") for each in self.here.flows() if each["flow"] == flow)

    def through(self, change=None):
        """The flows opened from now on pass a line of this process."""
        lines = []
        locate = RemoteApp._locate

        def located(app, flow):
            found = locate(app, flow)
            if not lines or lines[-1].target != found.address.port:
                lines.append(Line(found.address.port, change))
                self.addCleanup(lines[-1].close)
            return found._replace(address=found.address._replace(port=lines[-1].port))

        RemoteApp._locate = located
        self.addCleanup(setattr, RemoteApp, "_locate", locate)
        return lines


class Mirrors(Case):
    def test_spectra_are_those_of_the_machine_and_follow_its_publications(self):
        mirror, own = self.there.mirror(), self.here.mirror()
        self.assertEqual(list(mirror), list(own))
        seen = []
        for sequence in mirror.updates(timeout=20):
            seen.append(sequence)
            if len(seen) == 5:
                break
        self.assertEqual(seen, sorted(set(seen)))
        self.assertEqual((mirror.state, mirror["checksum"].title), ("live", own["checksum"].title))
        self.assertEqual(mirror["checksum"].axes, own["checksum"].axes)

    def test_a_read_sees_a_whole_publication_that_is_the_one_of_this_sequence_there(self):
        mirror, own = self.there.mirror(), self.here.mirror()

        def copy(spectra):
            return spectra.sequence, {name: spectra[name].counts.copy() for name in spectra}

        def same():
            (sequence, found), (expected_sequence, expected) = mirror.read(copy), own.read(copy)
            if sequence != expected_sequence:
                return False
            for name, counts in expected.items():
                np.testing.assert_array_equal(counts, found[name])
            return True

        until(same, "both show the same publication")

    def test_the_mirror_follows_a_killed_duplicator_and_keeps_its_data_meanwhile(self):
        mirror = self.there.mirror()
        pid = self.duplicator("spectra")
        os.kill(pid, signal.SIGKILL)
        until(lambda: mirror.cause is not None, "the loss is noticed")
        self.assertIn("checksum", mirror)
        for _sequence in mirror.updates(timeout=20):
            break
        until(lambda: mirror.state == "live", "the mirror is live again")

    def test_the_mirror_follows_a_restarted_application_and_shows_its_last_data_meanwhile(self):
        mirror = self.there.mirror()
        spectrum, shown = mirror["checksum"], mirror.shown
        self.there._call("host.restart", {"name": APP}, timeout=30)

        def is_new():
            self.assertIn("checksum", mirror)
            self.assertGreater(mirror.read(lambda spectra: spectra["checksum"].sum), 0)
            return mirror.shown[1] is not shown[1]

        until(is_new, "the mirror shows the memory of the new duplicator")
        with self.assertRaises(errors.Closed):
            spectrum.counts
        until(lambda: mirror.state == "live", "the mirror is live again")
        for sequence in mirror.updates(timeout=20):
            self.assertGreaterEqual(sequence, 0)
            break

    def test_spectra_of_a_closed_mirror_raise_and_arrays_stay_readable(self):
        mirror = self.there.mirror()
        spectrum = mirror["checksum"]
        counts = spectrum.counts
        mirror.close()
        with self.assertRaises(errors.Closed):
            spectrum.counts
        self.assertEqual(mirror.state, "ended")
        self.assertGreaterEqual(int(counts.sum()), 0)
        with self.assertRaises(ValueError):
            counts[0] = 1

    def test_asyncio_follows_a_mirror_and_a_flow(self):
        out = self.here.open_output("async", buffer_size=64)
        self.addCleanup(out.close)

        async def run():
            async with await mirrorflow.aio.connect(APP, host=HOST, ca=CA) as app:
                async with await app.open_input("async") as flow:
                    waiting = asyncio.create_task(flow.take(20))
                    await asyncio.sleep(0)
                    out.write(numbered(3, 64))
                    number = number_of(await waiting)
                async for sequence in (await app.mirror()).updates():
                    return number, sequence

        number, sequence = asyncio.run(run())
        self.assertEqual(number, 3)
        self.assertGreaterEqual(sequence, 0)


class Flows(Case):
    def open(self, flow, **options):
        out = self.here.open_output(flow, buffer_size=1024, buffers=16)
        self.addCleanup(out.close)
        return out, self.there.open_input(flow, **options)

    def test_a_lossless_reader_gets_every_buffer_over_cuts_and_a_killed_duplicator(self):
        lines = self.through()
        out, flow = self.open("cuts")
        count = 6_000
        failures = []

        def write():
            try:
                for number in range(count):
                    out.write(numbered(number, 12 + number % 1000), timeout=60)
            except errors.MirrorflowError as error:
                failures.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        for number in range(count):
            buffer = flow.take(60)
            self.assertIsNotNone(buffer, f"{failures} {flow!r} {flow.cause}")
            self.assertEqual(number_of(buffer), number)
            if number in (500, 1500):
                lines[-1].cut()
            if number == 3000:
                os.kill(self.duplicator("cuts"), signal.SIGKILL)
        writer.join()
        self.assertEqual((failures, flow.missed, flow.taken), ([], 0, count))

    def test_a_full_memory_holds_the_writer_back_until_the_program_reads(self):
        out, flow = self.open("full", history=4)
        number = 0
        with self.assertRaises(errors.TimedOut):
            while number < 100:
                out.write(numbered(number, 900), timeout=3)
                number += 1
        self.assertLess(number, 100)
        self.assertEqual([number_of(flow.take(10)) for _ in range(number)], list(range(number)))
        out.write(numbered(number, 900), timeout=10)
        self.assertEqual(number_of(flow.take(10)), number)

    def test_a_lossy_reader_never_holds_the_writer_back_and_counts_what_it_missed(self):
        out, flow = self.open("lossy", delivery="lossy", history=8)
        for number in range(400):
            out.write(numbered(number, 900), timeout=5)
        until(lambda: flow.next == 400, "the last buffer has arrived")
        got = []
        while (buffer := flow.take(0)) is not None:
            got.append(number_of(buffer))
        self.assertEqual(got, list(range(400 - len(got), 400)))
        self.assertEqual((len(got) + flow.missed, len(got)), (400, 8))

    def test_a_reader_begins_at_each_start(self):
        out, _ = self.open("starts")
        for number in range(10):
            out.write(numbered(number, 64))
        starts = {"oldest": 0, "newest": 9, "next": 10, 4: 4}
        flows = {start: self.there.open_input("starts", start=start) for start in starts}
        out.write(numbered(10, 64))
        found = {start: number_of(flow.take(10)) for start, flow in flows.items()}
        self.assertEqual(found, starts)
        with self.assertRaises(errors.BadOption):
            self.there.open_input("starts", start=-1)

    def test_typed_values_arrive_and_another_type_is_refused(self):
        kind = mirrorflow.deflated(mirrorflow.arrays("f64", [8, 8]))
        with self.here.open_output("typed", type=kind) as out, self.there.open_input("typed", type=kind) as flow:
            out.write(np.arange(64.0).reshape(8, 8))
            self.assertEqual(flow.take(10).value.sum(), 2016)
            with self.assertRaises(errors.WrongFlowType):
                self.there.open_input("typed", type=mirrorflow.json_values())

    def test_a_closed_reader_does_not_hold_the_writer_back(self):
        out, flow = self.open("closed")
        out.write(numbered(0, 64))
        self.assertEqual(number_of(flow.take(10)), 0)
        flow.close()
        for number in range(100):
            out.write(numbered(number, 64), timeout=10)
        with self.assertRaises(errors.Closed):
            flow.take(0)

    def test_a_cut_line_is_stale_and_live_again(self):
        lines = self.through()
        out, flow = self.open("stale", delivery="lossy")
        until(lambda: flow.state == "live", "the flow is live")
        lines[-1].refusing = True
        lines[-1].cut()
        until(lambda: flow.state == "stale", "the cut is noticed")
        self.assertIsInstance(flow.cause, errors.SourceUnreachable)
        lines[-1].refusing = False
        until(lambda: flow.state == "live", "the flow is live again")
        out.write(numbered(7, 64))
        self.assertEqual(number_of(flow.take(10)), 7)


class Refusals(Case):
    def test_a_wrong_secret_is_refused_by_the_host_and_by_the_duplicator(self):
        with self.assertRaises(errors.Refused):
            connect(secret=WRONG)
        out = self.here.open_output("guarded", buffer_size=64)
        self.addCleanup(out.close)
        locate = self.there._locate
        intruder = connect()
        self.addCleanup(intruder.close)
        intruder._locate = locate
        intruder._security = Security(Secret(WRONG, None), None, CA)
        with self.assertRaises(errors.Refused):
            intruder.open_input("guarded")

    def test_a_program_that_is_no_host_forwards_only_what_reads(self):
        for method, params in (("remote.run", ["p"]), ("remote.send", []), ("remote.claim", ["f", "c"])):
            with self.assertRaises(errors.Refused):
                self.there._forward(method, *params)

    def test_each_mistake_has_the_code_of_the_local_package(self):
        for expected, attempt in (
            (errors.UnknownFlow, lambda: self.there.open_input("none")),
            (errors.BadName, lambda: self.there.open_input("../x")),
            (errors.NotAMirror, lambda: self.there.open_input("spectra")),
            (errors.UnknownApplication, lambda: mirrorflow.connect("none", host=HOST, ca=CA)),
            (errors.BadAddress, lambda: mirrorflow.connect(APP, host="daq:7390")),
            (errors.BadOption, lambda: connect(secret="short")),
            (errors.BadOption, lambda: mirrorflow.connect(APP, secret=WRONG)),
            (errors.TransportError, lambda: mirrorflow.connect(APP, host="tcp://127.0.0.1:1")),
            (errors.NotPermitted, lambda: self.there.open_output("out", buffer_size=64)),
        ):
            with self.assertRaises(expected):
                attempt()

    def test_flows_and_statistics_of_the_machine_are_listed(self):
        out = self.here.open_output("listed", buffer_size=64)
        self.addCleanup(out.close)
        self.assertIn("listed", [each["flow"] for each in self.there.flows()])
        self.assertIn("clients", self.there.statistics())

    def test_no_thread_of_a_closed_reader_is_left(self):
        self.there.mirror()
        out = self.here.open_output("threads", buffer_size=64)
        self.addCleanup(out.close)
        self.there.open_input("threads")
        names = ["mirrorflow-spectra", "mirrorflow-threads"]
        ours = [each for each in threading.enumerate() if each.name in names]
        self.there.close()
        own = out._thread
        self.assertEqual([each.name for each in ours if each.is_alive() and each is not own], [])


@unittest.skipIf(CA is not None, "TLS protects the bytes itself")
class OnTheLine(Case):
    def test_a_changed_record_takes_no_effect_and_the_next_link_continues(self):
        state = {"changed": 0, "seen": 0}

        def change(data, connection):
            state["seen"] += len(data)
            if connection == 1 and state["seen"] > 200_000 and state["changed"] == 0:
                state["changed"] = 1
                middle = len(data) // 2
                return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
            return data

        self.through(change)
        out = self.here.open_output("changed", buffer_size=1024, buffers=64)
        self.addCleanup(out.close)
        flow = self.there.open_input("changed")
        writer = threading.Thread(target=lambda: [out.write(numbered(each, 1000), timeout=30) for each in range(600)])
        writer.start()
        self.assertEqual([number_of(flow.take(30)) for _ in range(600)], list(range(600)))
        writer.join()
        self.assertEqual(state["changed"], 1)
        self.assertIsInstance(flow.cause, errors.SourceProtocol)
        self.assertIn("MAC", str(flow.cause))

    def test_a_line_that_damages_every_welcome_ends_the_flow_with_the_code(self):
        damage = {"on": False}
        lines = self.through(lambda data, _: bytes(len(data)) if damage["on"] else data)
        out = self.here.open_output("damaged", buffer_size=64)
        self.addCleanup(out.close)
        flow = self.there.open_input("damaged")
        damage["on"] = True
        lines[-1].cut()
        with self.assertRaises(errors.SourceProtocol):
            flow.take(30)
        self.assertEqual(flow.state, "ended")
        with self.assertRaises(errors.SourceProtocol):
            self.there.open_input("damaged")

    def test_another_version_of_the_wire_is_refused_with_both(self):
        def change(data, _):
            return re.sub(rb"MIRRWIRE\x02\x00", b"MIRRWIRE\x09\x00", data)

        self.through(change)
        out = self.here.open_output("version", buffer_size=64)
        self.addCleanup(out.close)
        with self.assertRaises(errors.VersionMismatch) as raised:
            self.there.open_input("version")
        self.assertEqual(raised.exception.facts, {"found": 9, "known": 2})


@unittest.skipIf(CA is None, "without TLS")
class OverTls(Case):
    def test_an_untrusted_certificate_and_plain_tcp_are_refused(self):
        with self.assertRaises(errors.TransportError):
            mirrorflow.connect(APP, host=HOST)
        with self.assertRaises(errors.Refused):
            mirrorflow.connect(APP, host=HOST.replace("tls:", "tcp:"), ca=CA)

    def test_a_program_proves_its_own_certificate_too(self):
        with connect(certificate=(CA, CERTIFICATE)) as app:
            self.assertIn("checksum", app.mirror())


if __name__ == "__main__":
    unittest.main()
