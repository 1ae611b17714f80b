"""An example: `python -m duygu.client [FILE or camera number] [URL]` prints the live emotion of each face."""

import sys

from duygu.client import Service, SessionBroken, stream


def main(source: str = "0", url: str = "http://127.0.0.1:8000") -> int:
    """Send a camera or a file to a live session; the exit status."""
    try:
        for message in stream(int(source) if source.isdigit() else source, Service(url)):
            for face in message.faces if message.type == "result" else ():
                print(f"face {face.face_id}: {face.emotion or face.state} {face.confidence or ''}")  # noqa: T201
    except SessionBroken as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
