import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/square/{number}")
async def square(number: int) -> dict[str, int | str]:
    loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    return {"square": number * number, "pid": os.getpid(), "loop": loop}


def ask(port: int, number: int) -> dict[str, int | str]:
    for _ in range(400):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", f"/square/{number}")
            return json.loads(connection.getresponse().read())
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise TimeoutError


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = f"-m ferrio -m uvicorn --workers 2 --port {port} --log-level warning fastapi_workers:app"
    server = subprocess.Popen([sys.executable, *command.split()])
    answers = [ask(port, number) for number in range(4)]
    print([answer["square"] for answer in answers])
    print("on the loop of:", {answer["loop"] for answer in answers})
    print("answered by a worker:", server.pid not in {answer["pid"] for answer in answers})
    server.send_signal(signal.SIGTERM)
    print("ended by a signal:", server.wait(30) in (0, -signal.SIGTERM))
