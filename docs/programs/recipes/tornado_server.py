import asyncio

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler


class Hello(RequestHandler):
    async def get(self, name: str) -> None:
        await asyncio.sleep(0)
        self.write(f"hello {name}")


async def main() -> None:
    listener, port = bind_unused_port()
    server = Application([(r"/(\w+)", Hello)])
    http = HTTPServer(server)
    http.add_socket(listener)
    answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/Ada")
    print(answer.code, answer.body.decode())

    rang = asyncio.Event()
    bell = PeriodicCallback(rang.set, 10)
    bell.start()
    await rang.wait()
    bell.stop()
    print(
        "the bell rang; Tornado's loop is asyncio's:",
        IOLoop.current().asyncio_loop is asyncio.get_running_loop(),
    )
    http.stop()


asyncio.run(main())
