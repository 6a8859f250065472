"""What the suite drives the two binaries with: processes, raw sockets, apps, generated traffic."""
