"""Flow types: their bytes, and what they refuse."""

import unittest

import numpy as np

import mirrorflow
from mirrorflow import errors


class FlowTypes(unittest.TestCase):
    def test_values_are_read_as_they_were_written(self):
        plane = np.arange(6, dtype="<u4").reshape(2, 3)
        kinds = (mirrorflow.arrays("u32", [2, 3]), mirrorflow.deflated(mirrorflow.arrays("u32")))
        for kind in kinds:
            self.assertEqual(kind.decode(memoryview(kind.encode(plane))).tolist(), plane.tolist())
        packed = mirrorflow.deflated(mirrorflow.json_values())
        self.assertEqual(packed.decode(memoryview(packed.encode({"a": [1, None]}))), {"a": [1, None]})

    def test_bytes_that_do_not_match_the_type_are_a_bad_message(self):
        array = mirrorflow.arrays("u32", [2, 3])
        good = array.encode(np.zeros(6, "<u4"))
        packed = mirrorflow.deflated(mirrorflow.json_values())
        for kind, data in (
            (array, good[:-1]),
            (array, b"\x09" + good[1:]),
            (array, b""),
            (packed, b"\xff\xff\xff\x7f\x01\0\0\0xx"),
            (packed, b"\x04\0\0\0\x01\0\0\0\xff\xff"),
            (mirrorflow.json_values(), b"{"),
        ):
            with self.subTest(data=data), self.assertRaises(errors.BadMessage):
                kind.decode(memoryview(data))

    def test_a_consumer_refuses_a_flow_of_another_type(self):
        identity = {"flow": "f", "type": "array", "properties": {"array": {"kind": "f64"}}}
        mirrorflow.arrays("f64").check(identity)
        for other in (mirrorflow.arrays("f32"), mirrorflow.json_values()):
            with self.assertRaises(errors.WrongFlowType):
                other.check(identity)


if __name__ == "__main__":
    unittest.main()
