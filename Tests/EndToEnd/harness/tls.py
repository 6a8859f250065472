"""Certificates made for one run, and ways through TLS."""

import asyncio
import pathlib
import ssl
import threading

import trustme

from .wire import dial


class Certificates:
    """An authority of our own and one pair of files that it vouches for."""

    RSA = trustme.KeyType.RSA

    def __init__(self, folder, *names, **options):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.chain, self.key = (folder / f"{name}.pem" for name in ("ca", "chain", "key"))
        authority = trustme.CA()
        issued = authority.issue_cert(*names, **options)
        authority.cert_pem.write_to_path(self.ca)
        issued.private_key_pem.write_to_path(self.key)
        self.chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))

    @property
    def flags(self):
        return ["--tls-cert", self.chain, "--tls-key", self.key]

    @property
    def context(self):
        context = ssl.create_default_context(cafile=self.ca)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def dial(self, port, name):
        return self.context.wrap_socket(dial(port), server_hostname=name)


class PlainDoor:
    """A plain local port that leads to a TLS port, for what speaks no TLS."""

    def __init__(self, port, name, context):
        self.target = {"host": "127.0.0.1", "port": port, "ssl": context, "server_hostname": name}
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(**self.target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    @staticmethod
    async def _pump(reader, writer):
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
