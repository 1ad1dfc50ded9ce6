"""`python -m webui`: the server. `launch.py` starts it so."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Start with the flags of the command line; the exit status."""
    # Both read their switches when imported. Nothing here calls home.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from webui.cli import parse

    config = parse(sys.argv[1:])
    from webui.app import serve

    return serve(config)


if __name__ == "__main__":
    sys.exit(main())
