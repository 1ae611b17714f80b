"""Requests that would last as long as their client likes, ended when the service stops."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


class Shutdown:
    """Whether the service stops. It begins once, and is known to every request that waits for something to happen."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether the service stops."""
        return self._begun.is_set()

    def begin(self) -> None:
        """The service stops now. To be called in the event loop."""
        self._begun.set()

    async def until(self, events: AsyncGenerator[T, None]) -> AsyncIterator[T]:
        """What a generator gives, up to the moment in which the service stops; the generator is then closed."""
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
