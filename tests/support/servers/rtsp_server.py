"""An RTSP server of GStreamer that shows one picture: `/usr/bin/python3 rtsp_server.py PORT PICTURE.jpg`.

It runs in the Python of the system, which has GStreamer's bindings, and so imports nothing of the project.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PIPELINE = (
    "( multifilesrc location={picture} loop=true caps=image/jpeg,framerate=10/1 ! jpegdec ! videoconvert "
    "! video/x-raw,format=I420 ! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
)


def main(port: str, picture: str) -> None:
    """Serve `rtsp://127.0.0.1:PORT/camera` until the process is ended."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PIPELINE.format(picture=picture))
    factory.set_shared(True)
    server.get_mount_points().add_factory("/camera", factory)
    server.attach(None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
