"""Ends long-lived responses, such as event streams, when the service shuts down."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


class Shutdown:
    """The state of the shutdown, shared by every request that waits for events."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether the shutdown has begun."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Begin the shutdown. Must be called in the event loop."""
        self._begun.set()

    async def until(self, events: AsyncGenerator[T, None]) -> AsyncIterator[T]:
        """Iterate over a generator until it ends or the shutdown begins; then close it."""
        stop = asyncio.ensure_future(self._begun.wait())
        step: asyncio.Task[T] | None = None
        try:
            while not self.begun:
                step = asyncio.ensure_future(_next(events))
                await asyncio.wait({step, stop}, return_when=asyncio.FIRST_COMPLETED)
                if not step.done():
                    return
                try:
                    event = step.result()
                except StopAsyncIteration:
                    return
                yield event
        finally:
            for task in filter(None, (stop, step)):
                task.cancel()
            await asyncio.gather(*filter(None, (stop, step)), return_exceptions=True)
            await events.aclose()


async def _next(events: AsyncGenerator[T, None]) -> T:
    return await anext(events)
