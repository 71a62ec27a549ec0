"""Tests of the package on a running system: application `e1` mirrors a simulated SpecTcl.

test/conformance/python-package.test.ts starts the system and this module; not found by discovery.
"""

import asyncio
import gc
import os
import pickle
import queue
import threading
import time
import unittest
from dataclasses import dataclass

import numpy as np

import mirrorflow
from mirrorflow import errors

APP = "e1"


@dataclass
class RunStarted:
    run: int


class Mirrors(unittest.TestCase):
    def setUp(self):
        self.app = mirrorflow.connect(APP, name="test")
        self.addCleanup(self.app.close)
        self.mirror = self.app.mirror()

    def test_spectra_of_a_closed_mirror_raise_and_arrays_stay_readable(self):
        name = next(iter(self.mirror))
        spectrum = self.mirror[name]
        counts = spectrum.counts
        self.mirror.close()
        with self.assertRaises(errors.Closed):
            spectrum.counts
        with self.assertRaises(errors.Closed):
            self.mirror[name]
        gc.collect()
        self.assertGreaterEqual(int(counts.sum()), 0)

    def test_a_read_sees_one_publication_and_its_spectra_end_with_it(self):
        kept = []

        def use(spectra):
            kept.append(spectra["checksum"])
            return {name: spectra[name].counts.copy() for name in spectra}

        whole = self.mirror.read(use)
        self.assertEqual(set(whole), set(self.mirror))
        with self.assertRaises(errors.Closed):
            kept[0].counts

    def test_updates_follow_publications_and_end_after_a_silence(self):
        sequences = []
        for sequence in self.mirror.updates(timeout=20):
            sequences.append(sequence)
            if len(sequences) == 3:
                break
        self.assertEqual(sequences, sorted(set(sequences)))

    def test_a_notebook_shows_the_list_of_spectra(self):
        html = self.mirror._repr_html_()
        for name in self.mirror:
            self.assertIn(f"<td>{name}</td>", html)

    def test_pickle_and_a_forked_child_are_refused(self):
        with self.assertRaises(TypeError):
            pickle.dumps(self.mirror)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                self.mirror["checksum"]
            except errors.NotPermitted:
                status = 7
            os._exit(status)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)
        self.assertIn("checksum", self.mirror)


class Flows(unittest.TestCase):
    def setUp(self):
        self.app = mirrorflow.connect(APP, name="test")
        self.addCleanup(self.app.close)

    def test_a_released_buffer_raises_and_a_copy_stays(self):
        with self.app.open_output("one", buffer_size=64, buffers=4) as out, self.app.open_input("one") as flow:
            out.write(np.arange(4, dtype="<u2"))
            out.write(b"second", flags=7, timestamp_ns=2**60)
            first = flow.take(5)
            self.assertEqual(np.frombuffer(first.data, "<u2").tolist(), [0, 1, 2, 3])
            second = flow.take(5)
            with self.assertRaises(errors.Closed):
                first.data
            self.assertEqual((bytes(second.data), second.flags, second.timestamp_ns), (b"second", 7, 2**60))
            self.assertIsNone(flow.take(0))
            self.assertIsNone(flow.take(0.05))
        with self.assertRaises(errors.Closed):
            flow.take(0)
        with self.assertRaises(errors.Closed):
            out.write(b"")

    def test_a_slot_is_written_at_the_end_of_its_block_and_not_after_an_error(self):
        with self.app.open_output("two", buffer_size=64, buffers=4) as out, self.app.open_input("two") as flow:
            with self.assertRaises(ZeroDivisionError), out.reserve() as slot:
                slot.size = 1 // 0
            with out.reserve() as slot:
                slot.data[:3] = b"abc"
                slot.size = 3
            with self.assertRaises(errors.Closed):
                slot.data
            self.assertEqual(bytes(flow.take(5).data), b"abc")
            self.assertIsNone(flow.take(0))

    def test_what_goes_into_a_removed_file_is_published_again(self):
        with self.app.open_output("removed", buffer_size=64, buffers=16) as out, self.app.open_input("removed") as flow:
            out.write(b"\x00")
            removed = out._ring
            path = removed.file.path
            before = os.stat(path).st_ino
            with out._changed:  # its thread does not notice the end of the link
                os.remove(path)
                while not os.path.exists(path) or os.stat(path).st_ino == before:
                    time.sleep(0.001)
                for number in range(1, 6):
                    out._ring.begin()[0] = number
                    out._publish(1, 1000 * number, number)
            while out._ring is removed:
                time.sleep(0.001)
            out.write(b"\x06", flags=6, timestamp_ns=6000)
            taken = []
            for _ in range(7):
                buffer = flow.take(30)
                taken.append((buffer.sequence, buffer.data[0], buffer.flags))
            self.assertEqual(taken, [(number, number, number) for number in range(7)])
            self.assertEqual((flow.missed, out.written, out.written_bytes), (0, 7, 7))
            self.assertIsNone(flow.take(0.05))

    def test_a_full_ring_holds_the_writer_back_until_the_consumer_reads(self):
        with self.app.open_output("three", buffer_size=64, buffers=4) as out, self.app.open_input("three") as flow:
            for number in range(4):
                out.write(bytes([number]))
            with self.assertRaises(errors.TimedOut):
                out.write(b"x", timeout=0.1)
            writer = threading.Thread(target=out.write, args=(b"\x04",))
            writer.start()
            self.assertEqual([flow.take(5).data[0] for _ in range(5)], [0, 1, 2, 3, 4])
            writer.join()

    def test_a_history_reads_ahead_of_the_program_and_its_buffers_stay(self):
        with self.app.open_output("four", buffer_size=64, buffers=4) as out:
            with self.app.open_input("four", history=64) as flow:
                for number in range(40):
                    out.write(bytes([number]), timeout=10)
                buffers = [flow.take(5) for _ in range(40)]
                self.assertEqual([buffer.data[0] for buffer in buffers], list(range(40)))

    def test_a_full_history_drops_overwrites_or_grows_as_stated_and_never_holds_the_writer_back(self):
        with self.app.open_output("policies", buffer_size=64, buffers=4) as out:
            flows = {
                policy: self.app.open_input("policies", history=4, when_full=policy, max_history=limit)
                for policy, limit in (("drop", None), ("overwrite", None), ("grow", 40))
            }
            for number in range(40):
                out.write(bytes([number]), timeout=10)
            expected = {
                "drop": ([0, 1, 2, 3], 36),
                "overwrite": ([0, 1, 2, 39], 36),
                "grow": (list(range(40)), 0),
            }
            for policy, flow in flows.items():
                numbers, missed = expected[policy]
                while flow.missed + flow.ready < 40:
                    time.sleep(0.001)
                self.assertEqual([flow.take(10).data[0] for _ in numbers], numbers, policy)
                self.assertEqual(flow.missed, missed, policy)

    def test_a_provider_gets_the_marks_of_a_history(self):
        marks = queue.Queue()
        self.app.on("flowControl", lambda delivery: marks.put((delivery["mark"]["kind"], delivery["mark"]["mark"])))
        with self.app.open_output("marked", buffer_size=64, buffers=4) as out:
            with self.app.open_input("marked", history=8, flow_control={"xoff": [6], "xon": [2]}) as flow:
                for number in range(6):
                    out.write(bytes([number]))
                self.assertEqual(marks.get(timeout=10), ("xoff", 6))
                for _ in range(6):
                    flow.take(10)
                self.assertEqual(marks.get(timeout=10), ("xon", 2))
        with self.assertRaises(errors.BadOption):
            self.app.open_input("marked", when_full="drop")

    def test_a_full_ring_drops_overwrites_or_queues_as_stated(self):
        expected = {
            "drop": (None, [0, 1, 2, 3], 6, [True] * 4 + [False] * 6),
            "overwrite": (2, [0, 1, 2, 3, 4, 9], 4, [True] * 10),
            "grow": (6, list(range(10)), 0, [True] * 10),
        }
        for policy, (limit, numbers, dropped, answers) in expected.items():
            name = f"full-{policy}"
            with self.app.open_output(name, buffer_size=64, buffers=4, when_full=policy, queue=limit) as out:
                with self.app.open_input(name) as flow:
                    found = [out.write(bytes([number])) for number in range(10)]
                    if policy == "grow":
                        with self.assertRaises(errors.TimedOut):
                            out.write(b"beyond the queue", timeout=0.1)
                    self.assertEqual([flow.take(10).data[0] for _ in numbers], numbers, policy)
                    self.assertEqual((found, out.dropped), (answers, dropped), policy)
                    while not out.write(b"z"):
                        time.sleep(0.001)  # until the consumer's acknowledgement has arrived
                    self.assertEqual(bytes(flow.take(10).data), b"z")
        for options in ({"when_full": "wait"}, {"when_full": "grow"}, {"when_full": "overwrite", "queue": 0}):
            with self.assertRaises(errors.BadOption):
                self.app.open_output("bad", buffer_size=64, **options)

    def test_buffers_that_wait_are_written_before_the_flow_closes(self):
        out = self.app.open_output("late", buffer_size=64, buffers=4, when_full="grow", queue=20)
        with self.app.open_input("late") as flow:
            for number in range(20):
                out.write(bytes([number]))
            closing = threading.Thread(target=out.close)
            closing.start()
            self.assertEqual([flow.take(10).data[0] for _ in range(20)], list(range(20)))
            closing.join(10)
            self.assertFalse(closing.is_alive())
            self.assertEqual(out.dropped, 0)

    def test_the_thread_of_a_closed_history_has_ended(self):
        with self.app.open_output("ended", buffer_size=64, buffers=4):
            for waits in (False, True):
                flow = self.app.open_input("ended", history=4)
                while waits and not flow._source._armed:
                    time.sleep(0.001)
                flow.close()
                self.assertFalse(flow._thread.is_alive())

    def test_lists_and_statistics_name_the_flows(self):
        with self.app.open_output("five", buffer_size=64) as out, self.app.open_input("five") as flow:
            out.write(b"x")
            flow.take(5)
            self.assertIn("five", [each["flow"] for each in self.app.flows()])
            own = [each for each in self.app.statistics()["clients"] if each["name"] == "test"][0]
            self.assertTrue(own["answered"])
            counts = {each["direction"]: each["buffers"] for each in own["flows"] if each["flow"] == "five"}
            self.assertEqual(counts, {"input": 1, "output": 1})

    def test_a_message_reaches_a_waiting_client_and_none_raises_timed_out(self):
        with mirrorflow.connect(APP, name="other") as other:
            seen = threading.Event()
            other.on(RunStarted, lambda message: seen.set())
            answer = self.app.send(RunStarted(run=7), client="other")
            self.assertEqual(
                [("other", 1), []], [(answer["received"][0]["client"], len(answer["received"])), answer["missed"]]
            )
            self.assertTrue(seen.wait(10))
            with self.assertRaises(errors.TimedOut):
                other.wait_for(RunStarted, timeout=0.05)

    def test_asyncio_reads_and_writes_without_blocking_its_loop(self):
        async def run():
            async with await mirrorflow.aio.connect(APP, name="async") as app:
                async with await app.open_output("six", buffer_size=64) as out:
                    async with await app.open_input("six") as flow:
                        waiting = asyncio.create_task(flow.take(10))
                        await asyncio.sleep(0)
                        await out.write(b"abc")
                        self.assertEqual(bytes((await waiting).data), b"abc")
                        cut = asyncio.create_task(flow.take())
                        await asyncio.sleep(0)
                        cut.cancel()
                        await out.write(b"next")
                        self.assertEqual(bytes((await flow.take(10)).data), b"next")
                        async for buffer in (await app.mirror()).updates():
                            return buffer

        self.assertGreaterEqual(asyncio.run(run()), 0)

    def test_no_thread_of_a_closed_client_is_left(self):
        app = mirrorflow.connect(APP, name="left")
        app.open_output("seven", buffer_size=64)
        app.open_input("seven", history=4)
        app.mirror()
        app.on(RunStarted, print)
        before = {each for each in threading.enumerate() if each.name.startswith("mirrorflow")}
        app.close()
        alive = [each.name for each in before if each.is_alive()]
        # Of the client of setUp.
        self.assertEqual(alive, ["mirrorflow-session"])


if __name__ == "__main__":
    unittest.main()
