import json
import os
import sys
import tempfile
from pathlib import Path

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

with tempfile.TemporaryDirectory() as folder:
    os.environ["IPYTHONDIR"] = folder
    place = Path(folder) / "kernels" / "ferrio"
    place.mkdir(parents=True)
    specification = {
        "argv": [sys.executable, "-m", "ferrio", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python on ferrio",
        "language": "python",
    }
    (place / "kernel.json").write_text(json.dumps(specification, indent=1))

    specifications = KernelSpecManager(kernel_dirs=[str(place.parent)])
    manager = KernelManager(kernel_name="ferrio", kernel_spec_manager=specifications)
    manager.start_kernel(stderr=-3)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=40)

    def show(message: dict) -> None:
        if message["msg_type"] == "stream":
            print(message["content"]["text"], end="")

    for code in (
        "import asyncio; print(await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2)))",
        "print(type(asyncio.get_running_loop()).__module__.partition('.')[0])",
    ):
        client.execute_interactive(code, output_hook=show, timeout=20)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
