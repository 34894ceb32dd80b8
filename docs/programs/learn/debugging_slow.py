import asyncio
import logging
import re
import time


class Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        text = re.sub(r"took \d\.\d+ seconds", "took … seconds", record.getMessage())
        print(f"{record.levelname}: …{text[text.index(' took') :]}")


async def main() -> None:
    asyncio.get_running_loop().slow_callback_duration = 0.05
    time.sleep(0.1)


logging.getLogger("asyncio").addHandler(Lines())
asyncio.run(main(), debug=True)
