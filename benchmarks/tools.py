"""The compiled programs and the certificate of the echo benchmarks.

If one of them cannot be made, its rows are missing in the report.
"""

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent

CLIENT = "echo_client"
TLS_CLIENT = "echo_client_tls"
SERVER = "echo_server"
CERTIFICATE = "certificate.pem"
KEY = "key.pem"


def make(folder: Path) -> list[str]:
    """Make all of them in the folder, and return the errors."""
    compiler: list[str | Path] = [os.environ.get("CC", "cc"), "-O2"]
    tls: list[str | Path] = ["-DWITH_TLS", HERE / "echo_client.c", "-lssl", "-lcrypto"]
    commands: dict[str, list[str | Path]] = {
        SERVER: [*compiler, "-o", folder / SERVER, HERE / "echo_server.c"],
        CLIENT: [*compiler, "-o", folder / CLIENT, HERE / "echo_client.c"],
        TLS_CLIENT: [*compiler, "-o", folder / TLS_CLIENT, *tls],
        CERTIFICATE: [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-subj", "/CN=localhost", "-days", "2", "-keyout", folder / KEY),
            *("-out", folder / CERTIFICATE),
        ],
    }
    failures = []
    for name, command in commands.items():
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except OSError as error:
            failures.append(f"no {name}: {error}")
        except subprocess.CalledProcessError as error:
            failures.append(f"no {name}: {next(iter(error.stderr.splitlines()), error)}")
    return failures
