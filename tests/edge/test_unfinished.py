"""Half frames of any serial radio, and how long they are waited for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.tinyframe.frame import FRAME_BYTES_MAX, Frame, feed, xor
from nattevakt.edge.drivers.unfinished import Patience, Unfinished, take

PATIENCE = Patience(silence_ms=100, frame_ms=150)
FALL = Frame(0x0E02, b"\x01")
GOOD = FALL.to_bytes()


def false_header(length: int) -> bytes:
    """A header whose checksum is right and whose data never comes."""
    header = b"\x01\x7f\x7f" + length.to_bytes(2, "big") + b"\x0a\x08"
    return header + bytes((xor(header) ^ 0xFF,))


def test_half_a_frame_is_waited_for_and_then_dropped() -> None:
    frames, kept, _ = take(feed, Unfinished(), GOOD[:6], 1000, PATIENCE)
    assert (frames, kept.data, kept.due_ms(PATIENCE)) == ((), GOOD[:6], 1101)
    assert take(feed, kept, GOOD[6:], 1100, PATIENCE)[0] == (FALL,)
    assert take(feed, kept, None, 1100, PATIENCE)[1] == kept
    frames, kept, counted = take(feed, kept, None, 1101, PATIENCE)
    # The frame's length holds a 01 too, which is given up as well.
    assert (frames, kept, counted) == ((), Unfinished(), {"timeout": 2, "skipped": 6})
    assert kept.due_ms(PATIENCE) is None


def test_bytes_that_were_read_late_still_complete_their_frame() -> None:
    """The reader's thread was held up by something; the bytes themselves were in time."""
    _, kept, _ = take(feed, Unfinished(), GOOD[:6], 1000, PATIENCE)
    assert take(feed, kept, GOOD[6:], 5000, PATIENCE)[0] == (FALL,)


def test_frames_behind_a_false_header_come_out_when_the_line_falls_silent() -> None:
    frames, kept, _ = take(feed, Unfinished(), false_header(1024) + GOOD * 3, 1000, PATIENCE)
    assert frames == ()
    frames, kept, _ = take(feed, kept, None, 1101, PATIENCE)
    assert (frames, kept) == ((FALL,) * 3, Unfinished())


def test_frames_behind_a_false_header_come_out_while_the_line_goes_on_talking() -> None:
    """Ten reports a second never leave the line silent for 100 ms."""
    _, kept, _ = take(feed, Unfinished(), false_header(1024), 1000, PATIENCE)
    came = []
    for at_ms in range(1090, 1500, 90):
        frames, kept, _ = take(feed, kept, GOOD, at_ms, PATIENCE)
        came.append(len(frames))
    assert came == [0, 2, 1, 1, 1]


def test_a_false_header_behind_a_false_header_has_its_own_time() -> None:
    _, kept, _ = take(feed, Unfinished(), false_header(900), 1000, PATIENCE)
    _, kept, _ = take(feed, kept, false_header(800) + GOOD, 1080, PATIENCE)
    assert kept.due_ms(PATIENCE) == 1151
    frames, kept, _ = take(feed, kept, None, 1151, PATIENCE)
    assert (frames, kept.data, kept.due_ms(PATIENCE)) == ((), false_header(800) + GOOD, 1181)
    assert take(feed, kept, None, 1181, PATIENCE)[0] == (FALL,)


@given(st.lists(st.tuples(st.one_of(st.binary(max_size=30), st.just(false_header(700))), st.integers(0, 80))))
def test_whatever_came_a_good_frame_is_out_within_200_ms(chunks: list[tuple[bytes, int]]) -> None:
    kept, now_ms = Unfinished(), 0
    for chunk, pause_ms in chunks:
        now_ms += pause_ms
        _, kept, _ = take(feed, kept, chunk, now_ms, PATIENCE)
        assert len(kept.data) < FRAME_BYTES_MAX
        assert sum(count for count, _ in kept.came) == len(kept.data)
    marked = Frame(0x0E06, b"the frame that was meant")
    last_ms = now_ms
    frames, kept, _ = take(feed, kept, marked.to_bytes(), now_ms, PATIENCE)
    while (due_ms := kept.due_ms(PATIENCE)) is not None:
        now_ms = max(now_ms, due_ms)
        more, kept, _ = take(feed, kept, None, now_ms, PATIENCE)
        frames += more
    assert marked in frames
    assert now_ms - last_ms <= 200
