import asyncio
from functools import partial

from ops.kernel.outgoing import COMFORTABLE, MOST_WAITING, Outgoing


class Transport:
    def __init__(self):
        self.producer = None

    def registerProducer(self, producer, streaming):
        self.producer = producer


class Protocol:
    """Daphne's, as far as it matters: takes every frame, and its transport says when it is full."""

    STATE_OPEN = state = 3

    def __init__(self):
        self.transport, self.sent, self.closed = Transport(), [], None

    def sendMessage(self, payload, binary):
        self.sent.append(payload.decode())

    def sendClose(self, code):
        self.closed = code


async def handle_reply(protocol, message):
    raise AssertionError("frames go to the protocol itself")


def outgoing(protocol, slow):
    return Outgoing(partial(handle_reply, protocol), too_slow=lambda: slow.append(True))


async def test_a_reader_that_does_not_read_is_given_up():
    protocol, slow = Protocol(), []
    frames = outgoing(protocol, slow)
    frames.push("first")
    frames.pauseProducing()  # the transport is full

    for number in range(MOST_WAITING + 10):
        frames.push(str(number))

    assert protocol.sent == ["first"]
    assert slow == [True]


async def test_a_slow_reader_gets_everything_in_order_once_there_is_room():
    protocol, slow = Protocol(), []
    frames = outgoing(protocol, slow)
    frames.pauseProducing()
    for number in range(MOST_WAITING):
        frames.push(str(number))

    protocol.transport.producer.resumeProducing()
    frames.push("last")

    assert protocol.sent == [*map(str, range(MOST_WAITING)), "last"]
    assert slow == []


async def test_a_long_answer_waits_for_room_and_is_not_given_up():
    protocol, slow = Protocol(), []
    frames = outgoing(protocol, slow)
    frames.pauseProducing()

    async def replay():
        for number in range(MOST_WAITING * 2):
            await frames.answer(str(number))

    replaying = asyncio.create_task(replay())
    await asyncio.sleep(0)
    assert len(frames.waiting) == COMFORTABLE + 1
    frames.resumeProducing()
    await replaying

    assert protocol.sent == list(map(str, range(MOST_WAITING * 2)))
    assert slow == []


async def test_what_was_missed_comes_before_what_is_new():
    protocol = Protocol()
    frames = outgoing(protocol, [])

    with frames.held():
        frames.push("new")
        await frames.answer("missed")

    assert protocol.sent == ["missed", "new"]


async def test_a_server_that_makes_us_wait_is_waited_for():
    sent, may_go, slow = [], asyncio.Event(), []

    async def send(message):
        await may_go.wait()
        sent.append(message["text"])

    frames = Outgoing(send, too_slow=lambda: slow.append(True))
    for number in range(MOST_WAITING):
        frames.push(str(number))
    await asyncio.sleep(0)
    frames.push("one more")
    assert slow == []
    frames.push("too many")
    assert slow == [True]

    may_go.set()
    await frames.flush()
    assert sent == ["0"]  # who is given up hears no more


async def test_a_farewell_in_the_middle_of_an_answer_is_the_last_that_is_said():
    protocol, slow = Protocol(), []
    protocol.sendCloseFrame = lambda code: setattr(protocol, "closed", code)
    frames = outgoing(protocol, slow)

    with frames.held():
        frames.push("what others say")
        frames.last_words("bye", 1012)

    assert (protocol.sent, protocol.closed) == (["bye"], 1012)
