"""Spectra over a display memory that these tests write."""

import struct
import unittest

import numpy as np

from mirrorflow import errors
from mirrorflow import spectrum as layout
from mirrorflow._source_bins import bins_in
from mirrorflow.spectrum import Spectra


def define(memory, slot, name, kind, xchans, ychans, offset):
    struct.pack_into("<II", memory, slot * 8, xchans, ychans)
    at = layout.TITLES + slot * layout.TEXT_BYTES
    memory[at : at + layout.TEXT_BYTES] = name.encode().ljust(layout.TEXT_BYTES, b"\0")
    struct.pack_into("<I", memory, layout.OFFSETS + slot * 4, offset)
    struct.pack_into("<i", memory, layout.TYPES + slot * 4, kind)
    struct.pack_into("<4f", memory, layout.MAPS + slot * layout.MAP_BYTES, 0, 8, -1, 1)
    struct.pack_into("<4I", memory, layout.STATISTICS + slot * 16, 1, 2, 3, 4)


class DisplayMemory(unittest.TestCase):
    def setUp(self):
        self.memory = bytearray(layout.HEADER_BYTES + 256)
        define(self.memory, 3, "tof", 4, 4, 1, 0)
        define(self.memory, 9, "é-plane", 3, 3, 2, 8)
        struct.pack_into("<4I", self.memory, layout.HEADER_BYTES, 5, 6, 7, 8)
        struct.pack_into("<6H", self.memory, layout.HEADER_BYTES + 16, 1, 2, 3, 4, 5, 6)
        self.spectra = Spectra(memoryview(self.memory).toreadonly(), lambda: None)

    def test_spectra_are_found_by_name_in_the_order_of_their_slots(self):
        self.assertEqual(list(self.spectra), ["tof", "é-plane"])
        self.assertEqual(len(self.spectra), 2)
        self.assertIn("tof", self.spectra)
        self.assertNotIn("to", self.spectra)

    def test_counts_axes_and_statistics_are_those_of_the_header(self):
        tof, plane = self.spectra["tof"], self.spectra["é-plane"]
        self.assertEqual(tof.counts.tolist(), [5, 6, 7, 8])
        self.assertEqual((tof.sum, tof.type, tof.overflow, tof.underflow), (26, "1D long", (1,), (3,)))
        self.assertEqual(plane.counts.tolist(), [[1, 2, 3], [4, 5, 6]])
        self.assertEqual((plane.overflow, plane.axes[1][:3]), ((1, 2), (-1, 1, 2)))
        self.assertEqual(tof.edges[0].tolist(), [0, 2, 4, 6, 8])

    def test_axes_have_the_channels_in_range_and_edges_those_beyond_too(self):
        bins = {"tof": (2,), "é-plane": (3, 2)}
        spectra = Spectra(memoryview(self.memory).toreadonly(), lambda: None, bins.get)
        tof, plane = spectra["tof"], spectra["é-plane"]
        self.assertEqual((tof.axes[0].bins, tof.edges[0].tolist()), (2, [-4, 0, 4, 8, 12]))
        self.assertEqual((tof.counts_in_range.tolist(), tof.sum), ([6, 7], 26))
        self.assertEqual([axis.bins for axis in plane.axes], [3, 2])
        self.assertEqual(plane.counts_in_range.shape, (2, 3))

    def test_bins_are_read_from_the_answer_of_a_spectcl_and_from_nothing_else(self):
        answer = [{"name": "a", "axes": [{"low": 0, "high": 1, "bins": 8}]}, {"name": "b", "axes": [{}]}, 7]
        self.assertEqual(bins_in(answer), {"a": (8,)})
        self.assertEqual(bins_in({"detail": answer}), {})

    def test_counts_are_a_view_that_cannot_be_written(self):
        counts = self.spectra["tof"].counts
        self.memory[layout.HEADER_BYTES] = 99
        self.assertEqual(counts[0], 99)
        with self.assertRaises(ValueError):
            counts[0] = 1

    def test_a_slot_that_was_given_to_another_spectrum_is_not_read_under_the_old_name(self):
        self.assertIn("tof", self.spectra)
        define(self.memory, 3, "other", 4, 4, 1, 0)
        with self.assertRaises(errors.UnknownSpectrum):
            self.spectra["tof"]
        self.assertEqual(self.spectra["other"].sum, 26)

    def test_a_definition_outside_the_memory_is_refused(self):
        define(self.memory, 4, "far", 4, 4, 1, 2**20)
        with self.assertRaises(errors.SourceProtocol):
            self.spectra["far"]

    def test_a_notebook_shows_a_picture_of_each_kind(self):
        for name in self.spectra:
            html = self.spectra[name]._repr_html_()
            self.assertIn("<svg", html)
            self.assertIn(f"sum {self.spectra[name].sum:,}", html)

    def test_two_dimensional_counts_are_indexed_by_y_then_x(self):
        self.assertEqual(np.array(self.spectra["é-plane"].counts)[1, 0], 4)


if __name__ == "__main__":
    unittest.main()
