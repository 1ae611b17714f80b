"""Python client of a Duygu service: `analyze` submits a video or a link, `stream` sends a camera or a file live.

from duygu.client import analyze, stream

for message in stream(0):
    for face in message.faces if message.type == "result" else ():
        print(face.face_id, face.emotion, face.confidence)
"""

from duygu.client.live import LiveMessage, stream, stream_async
from duygu.client.picture_analysis import (
    analyze_picture,
    analyze_picture_async,
    analyze_pictures,
    analyze_pictures_async,
)
from duygu.client.pictures import Picture, camera, video
from duygu.client.service import Service, SessionBroken
from duygu.client.uploads import analyze, analyze_async, submit_url, submit_url_async

__all__ = [
    "LiveMessage",
    "Picture",
    "Service",
    "SessionBroken",
    "analyze",
    "analyze_async",
    "analyze_picture",
    "analyze_picture_async",
    "analyze_pictures",
    "analyze_pictures_async",
    "camera",
    "stream",
    "stream_async",
    "submit_url",
    "submit_url_async",
    "video",
]
