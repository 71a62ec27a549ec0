"""XML-RPC documents of a session, and the errors that faults become."""

import datetime
import unittest

from mirrorflow import _rpc_values as values
from mirrorflow import errors


class Documents(unittest.TestCase):
    def test_values_arrive_as_they_were_sent(self):
        when = datetime.datetime(2026, 11, 30, 9, 45, 24, 123000, tzinfo=datetime.timezone.utc)
        sent = {"a": [1, -(2**31) + 1, 0.5, True, "é <&>\r\n"], "b": b"\0\xff", "when": when}
        self.assertEqual(values.decode_response(values.encode_result(sent)), sent)

    def test_an_integer_beyond_32_bits_travels_as_a_double(self):
        self.assertEqual(values.decode_response(values.encode_result(7_000_000_000)), 7_000_000_000)
        self.assertIn(b"<double>", values.encode_result(2**40))

    def test_what_cannot_be_sent_is_refused(self):
        for value in (2**53 + 1, float("nan"), float("inf"), object()):
            with self.subTest(value=value), self.assertRaises(errors.InvalidParameters):
                values.encode_call("m", (value,))

    def test_a_fault_raises_the_error_of_its_number_with_its_facts(self):
        document = (
            b"<methodResponse><fault><value><struct>"
            b"<member><name>faultCode</name><value><int>13</int></value></member>"
            b"<member><name>faultString</name><value>no flow</value></member>"
            b"<member><name>facts</name><value><struct><member><name>path</name><value>/x</value></member></struct></value></member>"
            b"</struct></value></fault></methodResponse>"
        )
        with self.assertRaises(errors.UnknownFlow) as raised:
            values.decode_response(document)
        self.assertEqual((raised.exception.code, raised.exception.facts), ("UNKNOWN_FLOW", {"path": "/x"}))

    def test_what_is_no_document_is_a_parse_error(self):
        for document in (b"", b"<x>", b"<methodResponse><params><param><value><int>x</int></value></param></params>"):
            with self.subTest(document=document), self.assertRaises(errors.MirrorflowError):
                values.decode_response(document)


if __name__ == "__main__":
    unittest.main()
