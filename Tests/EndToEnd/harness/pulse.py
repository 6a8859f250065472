"""A process of its own that asks 100 times a second on one connection and prints, in milliseconds,
how long the answers took: `python pulse.py PORT HOST SECONDS`."""

import json
import sys
import time

from wire import Reader, dial, read_answer, request_bytes

EVERY = 0.01


def main():
    port, host, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    request = request_bytes(host)
    took = []
    with dial(port) as sock:
        reader = Reader(sock)
        end = time.monotonic() + seconds
        while (begun := time.monotonic()) < end:
            sock.sendall(request)
            assert read_answer(reader, b"GET").status == 200
            took.append((time.monotonic() - begun) * 1000)
            time.sleep(max(0, begun + EVERY - time.monotonic()))
    took.sort()
    print(json.dumps({"count": len(took), "p50": round(took[len(took) // 2], 2),
                      "p99": round(took[int(len(took) * 0.99)], 2), "max": round(took[-1], 2)}))


if __name__ == "__main__":
    main()
