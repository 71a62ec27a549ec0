"""The pure parts of receiving from other machines: proofs, records, frames, blocks, addresses, secrets."""

import os
import struct
import tempfile
import unittest
import zlib

from mirrorflow import errors
from mirrorflow.remote import _wire as wire
from mirrorflow.remote._blocks import apply_blocks
from mirrorflow.remote._records import CALLER, RecordReader, Sealer
from mirrorflow.remote._secret import Secret, direction_key, new_nonce, proof
from mirrorflow.remote._transport import parse_address

KEY = b"k" * 32


def records(*contents, sealer=None):
    sealer = sealer or Sealer(KEY)
    return [sealer.seal(content) for content in contents]


def reader(limit=100):
    return RecordReader(KEY, limit, errors.SourceProtocol, CALLER)


class Records(unittest.TestCase):
    def test_contents_arrive_whole_from_bytes_in_pieces(self):
        received = reader()
        found = []
        for byte in b"".join(records(b"one", b"two")):
            received.push(bytes([byte]))
            while (content := received.next()) is not None:
                found.append(content)
        self.assertEqual(found, [b"one", b"two"])

    def test_a_replayed_reordered_changed_or_reflected_record_is_refused(self):
        one, two = records(b"one", b"two")
        changed = one[:5] + bytes([one[5] ^ 1]) + one[6:]
        for parts in ([one, one], [two], [changed], [Sealer(KEY, 2).seal(b"one")]):
            received = reader()
            received.push(b"".join(parts))
            with self.assertRaises(errors.SourceProtocol):
                received.next()
                received.next()

    def test_a_length_beyond_the_limit_is_refused_before_its_bytes_arrive(self):
        received = reader(limit=8)
        received.push(struct.pack("<I", 9))
        with self.assertRaises(errors.SourceProtocol):
            received.next()


class Proofs(unittest.TestCase):
    def test_proofs_and_keys_differ_by_channel_side_nonce_and_certificate(self):
        nonces = (b"a" * 32, b"b" * 32)
        made = [
            proof(KEY, b"data", b"caller", nonces, [b"none", b"none"]),
            proof(KEY, b"data", b"listener", nonces, [b"none", b"none"]),
            proof(KEY, b"control", b"caller", nonces, [b"none", b"none"]),
            proof(KEY, b"data", b"caller", nonces[::-1], [b"none", b"none"]),
            proof(KEY, b"data", b"caller", nonces, [b"c" * 32, b"none"]),
            direction_key(KEY, b"data", b"caller", nonces),
            direction_key(KEY, b"data", b"listener", nonces),
        ]
        self.assertEqual(len(set(made)), len(made))
        self.assertEqual({len(each) for each in made}, {32})
        self.assertEqual(len(new_nonce(KEY, b"data")), 32)

    def test_a_secret_file_has_one_or_two_secrets_and_is_private(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "secret")
            with open(path, "wb") as file:
                file.write(b"the first secret of all\nthe second secret of all\n")
            os.chmod(path, 0o640)
            secret = Secret(None, path)
            self.assertEqual(len(secret.accepted()), 2)
            self.assertNotIn("first", repr(secret))
            os.chmod(path, 0o644)
            with self.assertRaises(errors.BadOption):
                Secret(None, path)
        with self.assertRaises(errors.BadOption):
            secret.accepted()


class Messages(unittest.TestCase):
    def test_a_message_of_another_version_names_both(self):
        with self.assertRaises(errors.VersionMismatch):
            wire.take_message(bytearray(struct.pack("<8sHHI", wire.MAGIC, 9, 2, 64)), wire.CHALLENGE)

    def test_a_refusal_raises_the_code_that_it_states(self):
        body = struct.pack("<i", errors.UnknownFlow.fault) + b"no such flow"
        with self.assertRaises(errors.UnknownFlow):
            wire.take_message(bytearray(wire.message(wire.REFUSED, body)), wire.WELCOME)

    def test_other_bytes_and_too_long_messages_are_refused(self):
        for received in (b"HTTP/1.1 400", struct.pack("<8sHHI", wire.MAGIC, 2, 2, 65)):
            with self.assertRaises(errors.SourceProtocol):
                wire.take_message(bytearray(received), wire.CHALLENGE)
        with self.assertRaises(errors.SourceProtocol):
            wire.read_welcome(b"{}")

    def test_frames_are_taken_whole_and_their_checksums_hold(self):
        payload = b"payload"
        head = struct.pack("<IHHQQII", len(payload), wire.BUFFER, wire.CRC, 3, 4, 5, zlib.crc32(payload))
        received = bytearray(head + payload + head)
        frames = list(wire.take_frames(received, lambda _: 100))
        self.assertEqual([(each.sequence, each.payload) for each in frames], [(3, payload)])
        self.assertEqual(bytes(received), head)
        received += b"PAYLOAD"
        with self.assertRaises(errors.SourceProtocol):
            list(wire.take_frames(received, lambda _: 100))

    def test_unknown_and_too_long_frames_are_refused(self):
        for kind, length in ((9, 0), (wire.BUFFER, 101)):
            with self.assertRaises(errors.SourceProtocol):
                head = struct.pack("<IHHQQII", length, kind, 0, 0, 0, 0, 0)
                list(wire.take_frames(bytearray(head), lambda _: 100))


class Blocks(unittest.TestCase):
    def frame(self, ranges, data, bits=0, size=3 * 4096 + 10):
        payload = b"".join(struct.pack("<II", *each) for each in ranges) + data
        return wire.Frame(wire.BLOCKS, bits, 0, size, len(ranges), payload)

    def test_plain_deflated_and_differing_blocks_change_their_ranges(self):
        memory = memoryview(bytearray(4 * 4096))
        self.assertEqual(apply_blocks(self.frame([(1, 1)], b"\1" * 4096), memory), [(4096, 8192)])
        deflater = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        difference = deflater.compress(b"\3" * 4096 + b"\7" * 10) + deflater.flush()
        ranges = [(1, 1), (3, 1)]
        found = apply_blocks(self.frame(ranges, difference, wire.DEFLATED | wire.DIFFERENCE), memory)
        self.assertEqual(found, [(4096, 8192), (12288, 12298)])
        self.assertEqual((memory[4096], memory[12288], memory[12298], memory[0]), (2, 7, 0, 0))

    def test_invalid_blocks_are_refused_and_change_nothing(self):
        memory = memoryview(bytearray(3 * 4096))
        for frame in (
            self.frame([(0, 1)], b"x" * 4096, size=4 * 4096),
            self.frame([(2, 2)], b"x" * 8192, size=3 * 4096),
            self.frame([(1, 1), (0, 1)], b"x" * 8192, size=3 * 4096),
            self.frame([(0, 1)], b"x" * 4095, size=4096),
            self.frame([(0, 65)], b"", size=4096),
            self.frame([(0, 1)], b"no deflate stream", wire.DEFLATED, size=4096),
            self.frame([(0, 1)], zlib.compress(bytes(5000))[2:-4], wire.DEFLATED, size=4096),
        ):
            with self.assertRaises(errors.SourceProtocol):
                apply_blocks(frame, memory)
        self.assertEqual(bytes(memory), bytes(len(memory)))


class Addresses(unittest.TestCase):
    def test_addresses_of_hosts_are_parsed_and_others_refused(self):
        self.assertEqual(parse_address("tls://[::1]:7390"), ("tls", "::1", 7390))
        self.assertEqual(str(parse_address("tcp://daq:1")), "tcp://daq:1")
        for text in ("daq:7390", "tcp://daq", "tcp://daq:0", "tcp://daq:99999", "unix:/x", None):
            with self.assertRaises(errors.BadAddress):
                parse_address(text)


if __name__ == "__main__":
    unittest.main()
