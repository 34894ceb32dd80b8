from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell(config=config)
shell.run_cell("import asyncio")
shell.run_cell("print(await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2)))")
shell.run_cell("async def where(): return type(asyncio.get_running_loop()).__module__.partition('.')[0]")
shell.run_cell("print(await where())")
