"""Tests of the Python package that need no running system; test/conformance has the others."""
