"""mirrorflow in Python: spectra, flows of buffers and messages of an application.

    import mirrorflow
    with mirrorflow.connect("e23001") as app:
        print(app.mirror()["tof"].counts.sum())

This module is the public surface; names with an underscore are not.
"""

from . import aio, errors
from .app import App
from .buffer import Buffer
from .connect import connect
from .errors import MirrorflowError
from .flow_types import FlowType, arrays, deflated, json_values
from .history import History
from .input import Input
from .mirror import Mirror, Publication
from .output import Output, Slot
from .recording import Recording, open_recording
from .remote import RemoteApp, RemoteInput, RemoteMirror
from .spectrum import Axis, Spectra, Spectrum

__version__ = "0.2.0"

__all__ = [
    "App",
    "Axis",
    "Buffer",
    "FlowType",
    "History",
    "Input",
    "Mirror",
    "MirrorflowError",
    "Output",
    "Publication",
    "Recording",
    "RemoteApp",
    "RemoteInput",
    "RemoteMirror",
    "Slot",
    "Spectra",
    "Spectrum",
    "aio",
    "arrays",
    "connect",
    "deflated",
    "errors",
    "json_values",
    "open_recording",
]
