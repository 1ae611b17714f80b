"""A decoding process that kills itself with the signal given as its limit of processor time."""

import json
import os
import sys

if __name__ == "__main__":
    sys.stderr.write("the last words of this process\n")
    sys.stderr.flush()
    os.kill(os.getpid(), json.loads(sys.argv[1])["cpu_s"])
