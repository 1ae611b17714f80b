"""A child process that writes one sample and then hangs."""

import sys
import time

if __name__ == "__main__":
    sys.stdout.buffer.write(bytes(4))
    sys.stdout.buffer.flush()
    time.sleep(600)
