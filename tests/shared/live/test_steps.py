"""Messages between the API and workers about live frames."""

from duygu.shared.live.steps import REPLIES, FrameInfo, Reply


def test_names_in_redis_do_not_change() -> None:
    """The fields of the messages keep their names of version 0.1, so that mixed versions interoperate."""
    info = FrameInfo(time_s=1.0, overload_drops=2)
    assert info.model_dump_json(exclude_defaults=True) == '{"time_s":1.0,"crowded":2}'
    assert FrameInfo.model_validate_json('{"time_s":1.0,"crowded":2}') == info
    replies = [Reply(seq=1, skipped=True)]
    assert REPLIES.dump_json(replies, exclude_defaults=True) == b'[{"seq":1,"passed_over":true}]'
    assert REPLIES.validate_json('[{"seq":1,"passed_over":true}]') == replies
