"""Messages: dataclasses to attributes and back."""

import sys
import unittest
from dataclasses import dataclass
from typing import Optional

from mirrorflow import errors, messages


@dataclass
class Detector:
    name: str
    gain: float


@dataclass
class RunStarted:
    run: int
    detectors: list[Detector]
    note: Optional[str] = None


class Messages(unittest.TestCase):
    @unittest.skipIf(sys.version_info < (3, 10), "Python 3.9 has no `X | None`")
    def test_an_optional_field_may_be_declared_in_the_short_form(self):
        @dataclass
        class Note:
            text: "str | None"

        self.assertEqual(messages.from_wire(Note, {}), Note(None))
        self.assertEqual(messages.from_wire(Note, {"text": "a"}), Note("a"))

    def test_the_receiver_gets_the_senders_state(self):
        sent = RunStarted(2**40, [Detector("a", 1.0)])
        wire = messages.to_wire(sent)
        self.assertEqual(wire["type"], "RunStarted")
        received = {"run": float(2**40), "detectors": [{"name": "a", "gain": 1}]}
        self.assertEqual(messages.from_wire(RunStarted, received), sent)

    def test_attributes_that_do_not_fit_are_refused(self):
        for attributes in ({"run": "7", "detectors": []}, {"run": 7}, {"run": True, "detectors": []},
                           {"run": 7, "detectors": [], "more": 1}):  # fmt: skip
            with self.subTest(attributes=attributes), self.assertRaises(errors.InvalidParameters):
                messages.from_wire(RunStarted, attributes)

    def test_only_dataclasses_are_messages(self):
        with self.assertRaises(errors.BadOption):
            messages.to_wire("text")

    def test_a_wait_that_is_over_raises_timed_out_and_a_handler_gets_messages_in_order(self):
        inbox = messages.Inbox()
        with self.assertRaises(errors.TimedOut):
            inbox.wait_for(RunStarted, 0.01)
        seen = []
        inbox.on(RunStarted, seen.append)
        for run in range(3):
            inbox.deliver({"type": "RunStarted", "attributes": {"run": run, "detectors": []}})
        while len(seen) < 3:
            pass
        inbox.close()
        self.assertEqual([message.run for message in seen], [0, 1, 2])


if __name__ == "__main__":
    unittest.main()
