"""The same classes for asyncio: waits run in a thread, so that the event loop continues.

async with await mirrorflow.aio.connect("e23001") as app:
    async with await app.open_input("events") as flow:
        async for buffer in flow: ...
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeVar, Union

from ._reads import Reads
from .buffer import Buffer
from .connect import connect as connect_blocking
from .mirror import Mirror
from .output import Output
from .remote.mirror import RemoteMirror

M = TypeVar("M")

#: A wait in a thread ends after so long to see a cancelled task.
_SLICE_S = 0.2


async def connect(app: str, **options: Any) -> AsyncApp:
    """As `mirrorflow.connect`, also with `host`."""
    return AsyncApp(await asyncio.to_thread(lambda: connect_blocking(app, **options)))


class _Closes:
    """`async with` for an object that closes."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def close(self) -> None:
        await asyncio.to_thread(self._inner.close)

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class AsyncApp(_Closes):
    """As App or RemoteApp. `app.blocking` is that object itself, for what does not wait."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.blocking = app

    async def mirror(self, flow: str = "spectra") -> AsyncMirror:
        return AsyncMirror(await asyncio.to_thread(self.blocking.mirror, flow))

    async def open_input(self, flow: str, **options: Any) -> AsyncInput:
        return AsyncInput(await asyncio.to_thread(lambda: self.blocking.open_input(flow, **options)))

    async def open_output(self, flow: str, **options: Any) -> AsyncOutput:
        return AsyncOutput(await asyncio.to_thread(lambda: self.blocking.open_output(flow, **options)))

    async def send(self, message: object, **to: Any) -> dict[str, list[dict[str, Any]]]:
        return await asyncio.to_thread(lambda: self.blocking.send(message, **to))

    async def wait_for(self, cls: type[M], timeout: float | None = None) -> M:
        return await asyncio.to_thread(self.blocking.wait_for, cls, timeout)

    async def call(self, method: str, *params: Any) -> Any:
        return await asyncio.to_thread(self.blocking.call, method, *params)


class AsyncInput(_Closes):
    """As Input. A cancelled `take` loses no buffer: the next one returns it."""

    def __init__(self, flow: Reads) -> None:
        super().__init__(flow)
        self.blocking = flow
        self._taking: asyncio.Task[Buffer | None] | None = None

    async def take(self, timeout: float | None = None) -> Buffer | None:
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while True:
            left = _SLICE_S if deadline is None else min(_SLICE_S, max(0.0, deadline - loop.time()))
            if self._taking is None:
                self._taking = asyncio.ensure_future(asyncio.to_thread(self.blocking.take, left))
            try:
                buffer = await asyncio.shield(self._taking)
            except asyncio.CancelledError:
                raise
            except BaseException:
                self._taking = None
                raise
            self._taking = None
            if buffer is not None or (deadline is not None and loop.time() >= deadline):
                return buffer

    async def __aiter__(self) -> AsyncIterator[Buffer]:
        while not self.blocking.closed:
            buffer = await self.take()
            if buffer is not None:
                yield buffer

    async def close(self) -> None:
        if self._taking is not None:
            await asyncio.wait([self._taking])
        await super().close()


class AsyncOutput(_Closes):
    """As Output. `flow.blocking.reserve` fills slots in place."""

    def __init__(self, flow: Output) -> None:
        super().__init__(flow)
        self.blocking = flow

    async def write(self, value: Any, **options: Any) -> None:
        await asyncio.to_thread(lambda: self.blocking.write(value, **options))


class AsyncMirror(_Closes):
    """As Mirror. Reading spectra does not wait: `mirror.blocking["tof"]`, or `mirror["tof"]`."""

    def __init__(self, mirror: Union[Mirror, RemoteMirror]) -> None:
        super().__init__(mirror)
        self.blocking = mirror

    def __getitem__(self, name: str) -> Any:
        return self.blocking[name]

    async def updates(self) -> AsyncIterator[int]:
        """Sequences of new publications."""
        mirror = self.blocking
        if isinstance(mirror, RemoteMirror):
            seen = mirror.shown
            while not mirror.closed:
                newest = await asyncio.to_thread(mirror.wait_beyond, seen, _SLICE_S)
                if newest is not None:
                    seen = newest
                    yield seen[0] - 1
            return
        news = AsyncInput(
            await asyncio.to_thread(
                lambda: mirror._open_input(mirror.flow, delivery="lossy", start="next", metadata_only=True)
            )
        )
        try:
            async for buffer in news:
                yield buffer.sequence
        finally:
            await news.close()
