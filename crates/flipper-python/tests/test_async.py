"""Async callbacks, and waiting without blocking an event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from conftest import Start
from desk import Desk

import flipper


def test_async_methods_run_on_the_loop_and_side_by_side(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")
    began: list[int] = []

    async def main() -> None:
        both = asyncio.Event()

        @plugin.method("meet")
        async def meet(params: dict[str, int]) -> dict[str, object]:
            began.append(params["number"])
            if len(began) == 2:
                both.set()
            # Neither goes on before the other one has begun.
            await both.wait()
            return {"number": params["number"], "loop": asyncio.get_running_loop() is loop}

        @plugin.method("fail")
        async def fail(params: object) -> None:
            await asyncio.sleep(0)
            raise LookupError("nothing there")

        loop = asyncio.get_running_loop()
        async with start("Python", desk, plugins=[plugin]) as app:
            assert await asyncio.wait_for(app.connected(), 60)
            await asyncio.to_thread(desk.init, "Python", "Example")
            calls = [asyncio.to_thread(desk.call, "Python", "Example", "meet", {"number": n}) for n in (1, 2)]
            answers = await asyncio.gather(*calls)
            assert [answer["success"] for answer in answers] == [{"number": n, "loop": True} for n in (1, 2)]
            answer = await asyncio.to_thread(desk.call, "Python", "Example", "fail")
            assert (answer["error"]["name"], answer["error"]["message"]) == ("LookupError", "nothing there")
        assert app.state == flipper.State.STOPPED

    asyncio.run(main())


def test_async_callbacks_are_told_of_the_desktop(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")

    async def main() -> None:
        connected, left = asyncio.Event(), asyncio.Event()

        @plugin.on_connect
        async def on_connect() -> None:
            plugin.send("hello")
            connected.set()

        @plugin.on_disconnect
        async def on_disconnect() -> None:
            left.set()

        async with start("Python", desk, plugins=[plugin]):
            await asyncio.to_thread(desk.init, "Python", "Example")
            await asyncio.wait_for(connected.wait(), 60)
            assert await asyncio.to_thread(desk.message, "Example", "hello") is None
            await asyncio.to_thread(desk.deinit, "Python", "Example")
            await asyncio.wait_for(left.wait(), 60)

    asyncio.run(main())


def test_a_call_is_answered_by_a_task(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")
    tasks: list[asyncio.Task[None]] = []

    async def main() -> None:
        @plugin.call("later")
        async def later(call: flipper.Call) -> None:
            async def answer() -> None:
                call.respond({"later": True})

            tasks.append(asyncio.create_task(answer()))

        async with start("Python", desk, plugins=[plugin]):
            await asyncio.to_thread(desk.init, "Python", "Example")
            answer = await asyncio.to_thread(desk.call, "Python", "Example", "later")
            assert answer["success"] == {"later": True}

    asyncio.run(main())


def test_an_async_method_without_a_loop_says_what_to_do(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")

    @plugin.method("wait")
    async def wait(params: object) -> None:
        await asyncio.sleep(0)

    start("Python", desk, plugins=[plugin])
    desk.init("Python", "Example")
    error = desk.call("Python", "Example", "wait")["error"]
    assert "start it in a coroutine, or give flipper.start a loop" in error["message"]


def test_a_loop_of_another_thread_may_be_given(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    @plugin.method("where")
    async def where(params: object) -> dict[str, bool]:
        return {"there": threading.current_thread() is thread}

    app = start("Python", desk, plugins=[plugin], loop=loop)
    desk.init("Python", "Example")
    assert desk.call("Python", "Example", "where")["success"] == {"there": True}

    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    # Whoever calls it now is told, and nothing else happens.
    assert "closed its loop" in desk.call("Python", "Example", "where")["error"]["message"]
    app.stop()


def test_waiting_ends_with_the_app_and_can_be_given_up(start: Start) -> None:
    async def main() -> None:
        app = start("Python")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(app.connected(), 0.01)
        waiting = [asyncio.create_task(app.connected()) for _ in range(3)]
        await asyncio.sleep(0)
        await app.aclose()
        assert await asyncio.gather(*waiting) == [False, False, False]
        assert await app.connected() is False

    asyncio.run(main())


def test_the_loop_goes_on_while_a_plain_method_blocks(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")
    blocks, go_on = threading.Event(), threading.Event()

    @plugin.method("block")
    def block(params: object) -> dict[str, bool]:
        blocks.set()
        return {"went_on": go_on.wait(60)}

    async def main() -> Any:
        async with start("Python", desk, plugins=[plugin]):
            await asyncio.to_thread(desk.init, "Python", "Example")
            answer = asyncio.create_task(asyncio.to_thread(desk.call, "Python", "Example", "block"))
            assert await asyncio.to_thread(blocks.wait, 60)
            go_on.set()
            return await answer

    assert asyncio.run(main())["success"] == {"went_on": True}
