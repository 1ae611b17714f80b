"""Whether a camera or a stream delivers pictures."""

from duygu.services.diagnosis.findings import CheckFailedError

HINTS = (
    ("authori", "put the user and the password into the address: rtsp://user:password@host/path"),
    ("forbidden", "the user of the address may not view this stream"),
    ("refused", "check host and port; most cameras serve RTSP only once it is enabled in their settings"),
    ("no route", "check the address, and whether this machine is in the network of the camera"),
    ("no answer", "check port and path of the address, whether the camera is on, and whether a firewall is in between"),
    ("timed out", "check the address, and whether a firewall is between this machine and the camera"),
    ("not found", "check the path of the address, which the manual of the camera has"),
    ("no such file", "check the path; `ls /dev/video*` lists devices"),
    ("permission", "add your user to the group `video`, and log in again"),
    ("no video", "the address leads to sound or data alone; check its path"),
)
"""Parts of a reason, and what helps. The first that occurs counts."""

GENERAL_HINT = "open the address in a player such as VLC or ffplay; where that works, report a bug"


def check_camera(address: str) -> str:
    """Decode one picture of a stream, a device or a file. Raises CheckFailedError."""
    try:
        import av

        from duygu.services.watch.capture import Source, open_stream, reason_of
    except ModuleNotFoundError as error:
        raise CheckFailedError(f"{error.name} is not installed", "pip install 'duygu[watch]'") from error
    title = Source(address).title
    try:
        with open_stream(address) as container:
            frame = next(container.decode(video=0), None)
            codec = container.streams.video[0].codec_context.name
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = reason_of(error)
        raise CheckFailedError(f"{title}: {reason}", hint(reason)) from error
    if frame is None:
        raise CheckFailedError(f"{title}: the stream ended without a picture", GENERAL_HINT)
    return f"{title} delivers pictures of {frame.width}x{frame.height} ({codec})"


def hint(reason: str) -> str:
    """What helps against an error of FFmpeg."""
    return next((text for part, text in HINTS if part in reason.lower()), GENERAL_HINT)
