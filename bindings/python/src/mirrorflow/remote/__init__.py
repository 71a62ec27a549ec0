"""Applications of other machines: their flows and mirrors, received over TCP or TLS into local memory.

`mirrorflow.connect(app, host=...)` makes a RemoteApp; it is the public class of this package.
"""

from .app import RemoteApp
from .input import RemoteInput
from .mirror import RemoteMirror

__all__ = ["RemoteApp", "RemoteInput", "RemoteMirror"]
