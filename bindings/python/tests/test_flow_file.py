"""Reading and writing a flow file that these tests make, without a duplicator."""

import json
import os
import pickle
import struct
import tempfile
import threading
import unittest
from unittest import mock

from mirrorflow import _flow_file as layout
from mirrorflow import _ring, errors
from mirrorflow._flow_file import FlowFile
from mirrorflow._handles import Handle

STRIDE = 128


def make_file(path, slots=4, version=2, size=None):
    header = bytearray(layout.HEADER_BYTES)
    struct.pack_into("<8s6I", header, 0, b"MIRRFLOW", version, layout.HEADER_BYTES, slots, STRIDE, 64, 0)
    identity = json.dumps({"application": "a", "flow": "f", "type": "bytes", "properties": {}, "bootId": ""}).encode()
    struct.pack_into(f"<I{len(identity)}s", header, 1024, len(identity), identity)
    whole = bytes(header) + bytes(slots * STRIDE)
    with open(path, "wb") as file:
        file.write(whole if size is None else whole[:size])


class Files(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = os.path.join(self.directory.name, "f.flow")

    def test_a_file_that_is_none_is_refused_with_its_reason(self):
        with self.assertRaises(errors.UnknownFlow):
            FlowFile(self.path)
        for expected, options in (
            (errors.VersionMismatch, {"version": 1}),
            (errors.FileCorrupt, {"version": 0}),
            (errors.FileCorrupt, {"slots": 1}),
            (errors.FileCorrupt, {"size": 100}),
            (errors.FileCorrupt, {"size": layout.HEADER_BYTES - 8}),
        ):
            make_file(self.path, **options)
            with self.subTest(options=options), self.assertRaises(expected):
                FlowFile(self.path)

    def test_a_file_that_was_replaced_is_not_that_of_the_duplicator_that_answers(self):
        make_file(self.path)
        file = FlowFile(self.path)
        file.check_served(0)
        with self.assertRaises(errors.Closed):
            file.check_served(1)
        kept = f"{self.path}.kept"
        os.rename(self.path, kept)
        with self.assertRaises(errors.Closed):
            file.check_served(0)
        make_file(self.path)
        with self.assertRaises(errors.Closed):
            file.check_served(0)

    def test_a_provider_clears_no_slot_beyond_its_credit(self):
        make_file(self.path)
        file = FlowFile(self.path, write=True)
        ring = _ring.Ring(file, 3)
        self.assertIsNone(ring.begin())
        file.words[layout.GRANTED] = 2
        for sequence in range(2):
            target = ring.begin()
            target[:4] = b"data"
            self.assertEqual(ring.commit(4, 99, 7), sequence + 1)
        self.assertIsNone(ring.begin())
        self.assertEqual((file.published, file.words[layout.CLAIMED]), (2, 2))
        slot = file.first_slot
        self.assertEqual(list(file.words[slot : slot + 3]), [1, 99, 4 | (3 << 16 | 7) << 32])

    def test_a_claim_is_taken_back_to_a_credit_that_became_less(self):
        make_file(self.path, slots=512)
        file = FlowFile(self.path, write=True)
        ring = _ring.Ring(file, 1)
        file.words[layout.GRANTED] = 8

        def lower():
            file.words[layout.GRANTED] = 3

        with mock.patch.object(_ring, "fence", lower):
            self.assertIsNotNone(ring.begin())
        self.assertEqual(file.words[layout.CLAIMED], 3)

    def test_providing_is_refused_on_a_processor_without_ordered_stores(self):
        with mock.patch("platform.machine", return_value="aarch64"), self.assertRaises(errors.NotPermitted) as raised:
            _ring.check_processor()
        self.assertIn("aarch64", str(raised.exception))


class Handles(unittest.TestCase):
    def test_a_handle_refuses_pickle_and_use_after_its_end(self):
        handle = Handle("the thing")
        with self.assertRaises(TypeError):
            pickle.dumps(handle)
        handle._check()
        self.assertTrue(handle._end("it was closed"))
        with self.assertRaises(errors.Closed):
            handle._check()

    def test_a_forked_child_is_refused(self):
        handle = Handle("the thing")
        child = os.fork()
        if child == 0:
            try:
                handle._check()
            except errors.NotPermitted:
                os._exit(7)
            os._exit(1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)
        handle._check()


class Litmus(unittest.TestCase):
    def test_of_two_processes_that_store_and_then_load_one_sees_the_other(self):
        """The provider's fence: a store and a later load of another word are not exchanged.

        Two processes run in lock-step over fresh words; without a fence between both loads may give 0.
        """
        rounds = 6_000
        path = os.path.join(tempfile.gettempdir(), f"mirrorflow-litmus-{os.getpid()}")
        with open(path, "wb") as file:
            file.write(bytes(rounds * 4 * 64))
        self.addCleanup(os.unlink, path)
        child = os.fork()
        if child == 0:
            self._run(path, rounds, 1)
            os._exit(0)
        words = self._run(path, rounds, 0)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        both_blind = sum(1 for at in range(rounds) if words[at * 32 + 16] == 1 and words[at * 32 + 24] == 1)
        self.assertEqual(both_blind, 0)

    @staticmethod
    def _run(path, rounds, side):
        words = memoryview(layout.map_file(path, write=True)[0]).cast("Q")
        fence = _ring.fence
        for at in range(rounds):
            own, other = at * 32 + side * 8, at * 32 + (1 - side) * 8
            words[own] = 1
            fence()
            seen = words[other]
            # 1: did not see the other side; 2: did.
            words[at * 32 + 16 + side * 8] = 2 if seen else 1
            # The sides meet before the next round, for a bounded number of looks.
            for _ in range(2000):
                if words[at * 32 + 16 + (1 - side) * 8]:
                    break
        return words


class Threads(unittest.TestCase):
    def test_no_thread_is_left(self):
        self.assertFalse([each for each in threading.enumerate() if each.name.startswith("mirrorflow")])


if __name__ == "__main__":
    unittest.main()
