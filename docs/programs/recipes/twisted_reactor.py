import asyncio

from twisted.internet import asyncioreactor

loop = asyncio.new_event_loop()
asyncioreactor.install(loop)

from twisted.internet import defer, endpoints, protocol, reactor  # noqa: E402


class Shout(protocol.Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data.upper())
        self.transport.loseConnection()


async def talk(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)  # asyncio's client,
    writer.write(b"hello")
    print(await reader.read())
    writer.close()


@defer.inlineCallbacks
def main():
    server = endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")  # Twisted's server.
    listening = yield server.listen(protocol.Factory.forProtocol(Shout))
    port = listening.getHost().port
    yield defer.Deferred.fromFuture(asyncio.ensure_future(talk(port), loop=loop))
    yield listening.stopListening()
    print("one loop for both:", reactor._asyncioEventloop is loop)
    reactor.stop()


reactor.callWhenRunning(main)
reactor.run()
