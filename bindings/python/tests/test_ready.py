"""What a full history does by its policy, and when flow-control marks are reached."""

import threading
import unittest

from mirrorflow import errors
from mirrorflow._marks import MarkWatch, check_marks
from mirrorflow._ready import ReadyBuffers, check_rules


class Marked:
    def __init__(self, number):
        self.number = number


def filled(policy, count, max_history=None, watermarks=None):
    queue = ReadyBuffers(check_rules(4, policy, max_history, watermarks))
    for number in range(count):
        if queue.has_room():
            queue.put(Marked(number))
    return queue


def taken(queue):
    numbers = []
    while (buffer := queue.take(0, lambda: None)) is not None:
        numbers.append(buffer.number)
    return numbers


class Policies(unittest.TestCase):
    def test_block_keeps_the_first_buffers_and_has_no_room_for_more(self):
        queue = filled("block", 6)
        self.assertFalse(queue.has_room())
        self.assertEqual((taken(queue), queue.lost), ([0, 1, 2, 3], 0))

    def test_overwrite_replaces_the_newest_buffer(self):
        queue = filled("overwrite", 6)
        self.assertEqual((taken(queue), queue.lost), ([0, 1, 2, 5], 2))

    def test_drop_leaves_out_new_buffers(self):
        queue = filled("drop", 6)
        self.assertEqual((taken(queue), queue.lost), ([0, 1, 2, 3], 2))

    def test_grow_keeps_up_to_its_limit_and_then_blocks(self):
        queue = filled("grow", 9, max_history=6)
        self.assertEqual((taken(queue), queue.lost), ([0, 1, 2, 3, 4, 5], 0))

    def test_watermarks_stop_filling_until_the_fill_is_below_the_low_one(self):
        queue = filled("block", 6, watermarks=(3, 2))
        rooms = []
        for _ in range(2):
            queue.take(0, lambda: None)
            rooms.append((len(queue), queue.has_room()))
        self.assertEqual(rooms, [(2, False), (1, True)])

    def test_a_wait_for_room_ends_when_a_buffer_is_taken(self):
        queue = filled("block", 4)
        waiter = threading.Thread(target=queue.wait_for_room)
        waiter.start()
        queue.take(0, lambda: None)
        waiter.join(10)
        self.assertFalse(waiter.is_alive())

    def test_an_error_follows_the_ready_buffers(self):
        queue = filled("block", 1)
        queue.fail(errors.SourceProtocol("damaged"))
        self.assertEqual(queue.take(0, lambda: None).number, 0)
        with self.assertRaises(errors.SourceProtocol):
            queue.take(None, lambda: None)

    def test_options_that_do_not_fit_name_what_is_allowed(self):
        for options in (
            (0, "block", None, None),
            (4, "wait", None, None),
            (4, "grow", None, None),
            (4, "grow", 3, None),
            (4, "block", 8, None),
            (4, "block", None, (5, 1)),
            (4, "block", None, (3, 3)),
            (4, "block", None, 3),
        ):
            with self.assertRaises(errors.BadOption):
                check_rules(*options)


class Marks(unittest.TestCase):
    def test_each_mark_is_reached_once_until_a_mark_of_the_other_kind(self):
        reached = []
        watch = MarkWatch([3, 5], [1], lambda kind, mark, fill: reached.append((kind, mark, fill)))
        for fill in (1, 2, 3, 2, 3, 4, 5, 4, 3, 2, 1, 0, 1, 2, 3):
            watch.update(fill)
        self.assertEqual(reached, [("xoff", 3, 3), ("xoff", 5, 5), ("xon", 1, 1), ("xoff", 3, 3)])

    def test_marks_that_would_never_resume_a_provider_are_refused(self):
        self.assertEqual(check_marks({"xoff": [3, 2, 3], "xon": [1]}, 4, None), ([2, 3], [1]))
        for marks in ({"xoff": [3]}, {"xoff": [], "xon": [1]}, {"xoff": [2], "xon": [3]}, {"xoff": [5], "xon": [1]}):
            with self.assertRaises(errors.BadOption):
                check_marks(marks, 4, None)
        with self.assertRaises(errors.BadOption):
            check_marks({"xoff": [4], "xon": [1]}, 4, (3, 2))


if __name__ == "__main__":
    unittest.main()
