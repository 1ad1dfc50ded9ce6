import asyncio
import random
import threading
from contextlib import aclosing

import pytest

from webui.jobs.events import KEPT_CHANNELS, Channel, EventBus


async def read(channel, after=0):
    """Everything up to the end."""
    return [event async for event in channel.watch(after)]


def told(events):
    return [(event.kind, event.data) for event in events]


def numbers(events):
    return [event.data["number"] for event in events if event.kind == "image"]


def test_a_late_watcher_gets_the_newest_of_each_and_all_pictures():
    channel = Channel()
    channel.publish("progress", {"step": 1})
    channel.publish("preview", {"images": ["old"]})
    channel.publish("image", {"number": 0})
    channel.publish("progress", {"step": 2})
    channel.publish("preview", {"images": ["older"]})
    channel.publish("preview", {"images": ["newest"]})

    assert told(channel.since(0)) == [
        ("image", {"number": 0}),
        ("progress", {"step": 2}),
        ("preview", {"images": ["newest"]}),
    ]
    channel.publish("image", {"number": 1})
    assert "preview" not in [kind for kind, _ in told(channel.since(0))]  # it has been finished
    assert channel.progress() == {"step": 2}


def test_an_ended_job_is_told_and_over_at_once():
    channel = Channel()
    channel.publish("image", {"number": 0})
    channel.publish("end", {"state": "done"})
    events = asyncio.run(asyncio.wait_for(read(channel), 5))
    assert told(events) == [("image", {"number": 0}), ("end", {"state": "done"})]
    assert asyncio.run(asyncio.wait_for(read(channel, events[-1].id), 5)) == []


def test_a_watcher_hears_what_happens_later_from_another_thread():
    channel = Channel()

    def work():
        for step in range(3):
            channel.publish("progress", {"step": step})
        channel.publish("end", {"state": "done"})

    async def watch():
        threading.Timer(0.05, work).start()
        return await asyncio.wait_for(read(channel), 5)

    assert told(asyncio.run(watch()))[-2:] == [("progress", {"step": 2}), ("end", {"state": "done"})]


@pytest.mark.parametrize("leave_after", range(1, 9))
def test_who_comes_back_misses_nothing_and_hears_nothing_twice(leave_after):
    channel = Channel()

    def work():
        for number in range(5):
            channel.publish("progress", {"step": number})
            channel.publish("image", {"number": number})
        channel.publish("end", {"state": "done"})

    async def watch():
        first = []
        async with aclosing(channel.watch()) as events:
            threading.Thread(target=work).start()
            async for event in events:
                first.append(event)
                if len(first) == leave_after or event.kind == "end":
                    break
        return first, await asyncio.wait_for(read(channel, first[-1].id), 5)

    first, second = asyncio.run(watch())
    assert numbers([*first, *second]) == list(range(5))
    ids = [event.id for event in (*first, *second)]
    assert ids == sorted(set(ids))


def test_a_number_from_before_a_restart_counts_as_none():
    old = Channel()
    for step in range(100):
        old.publish("progress", {"step": step})
    seen = old.since(0)[-1].id

    new = Channel()  # the same job's, in the next process
    for number in range(3):
        new.publish("image", {"number": number})
    new.publish("end", {"state": "interrupted"})
    for before in (seen, seen - 98, 1, 2**60):
        assert numbers(asyncio.run(asyncio.wait_for(read(new, before), 5))) == [0, 1, 2]


def test_a_watcher_that_comes_exactly_at_the_end_misses_nothing():
    async def watch(channel, delay):
        await asyncio.sleep(delay)
        return await asyncio.wait_for(read(channel), 10)

    async def attempt():
        channel = Channel()

        def work():
            for number in range(20):
                channel.publish("image", {"number": number})
            channel.publish("end", {"state": "done"})

        thread = threading.Thread(target=work)
        watchers = [asyncio.create_task(watch(channel, random.random() / 500)) for _ in range(20)]
        await asyncio.sleep(random.random() / 500)
        thread.start()
        heard = await asyncio.gather(*watchers)
        thread.join()
        return heard, channel

    for _ in range(30):
        heard, channel = asyncio.run(attempt())
        for events in heard:
            assert numbers(events) == list(range(20))
            assert events[-1].kind == "end"
        assert not channel.watched


def test_watchers_on_many_loops_hear_the_same():
    channel = Channel()
    heard = {}
    begun = threading.Barrier(9)

    def watch(name):
        async def all_of_it():
            begun.wait()
            return await asyncio.wait_for(read(channel), 20)

        heard[name] = numbers(asyncio.run(all_of_it()))

    threads = [threading.Thread(target=watch, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    begun.wait()
    for number in range(300):
        channel.publish("progress", {"step": number})
        channel.publish("preview", {"images": [str(number)]})
        channel.publish("image", {"number": number})
    channel.publish("end", {"state": "done"})
    for thread in threads:
        thread.join()
    assert heard == {name: list(range(300)) for name in range(8)}
    assert not channel.watched


def test_watched_while_someone_watches():
    channel = Channel()

    async def watch():
        assert not channel.watched
        channel.publish("progress", {"step": 0})
        async with aclosing(channel.watch()) as events:
            await anext(events)
            assert channel.watched
        assert not channel.watched

    asyncio.run(watch())
    channel.publish("progress", {"step": 1})  # nobody is left to tell


def test_a_watcher_whose_loop_is_gone_harms_nobody():
    channel = Channel()
    loop = asyncio.new_event_loop()
    events = channel.watch()
    channel.publish("progress", {"step": 0})
    loop.run_until_complete(anext(events))
    loop.close()
    channel.publish("progress", {"step": 1})
    assert channel.progress() == {"step": 1}
    other = asyncio.new_event_loop()
    other.run_until_complete(events.aclose())
    other.close()


def test_the_bus_forgets_old_jobs_that_are_over():
    bus = EventBus()
    bus.open("waiting").publish("progress", {"position": 0})
    for number in range(KEPT_CHANNELS + 50):
        bus.open(str(number)).publish("end", {"state": "done"})
    assert bus.get("0") is None
    assert bus.get(str(KEPT_CHANNELS + 49)) is not None
    assert bus.get("waiting").progress() == {"position": 0}
    assert bus.get("never opened") is None
