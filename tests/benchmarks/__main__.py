"""`python -m tests.benchmarks [NAME...] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.benchmarks import (
    catalog,
    encoding,
    history,
    lora,
    sampling,
    startup,
    stepcache,
    switch,
    token_merging,
    upscaling,
)
from tests.benchmarks.result import Result

BENCHMARKS = {
    **catalog.BENCHMARKS,
    **encoding.BENCHMARKS,
    **history.BENCHMARKS,
    **lora.BENCHMARKS,
    **sampling.BENCHMARKS,
    **startup.BENCHMARKS,
    **switch.BENCHMARKS,
    **stepcache.BENCHMARKS,
    **token_merging.BENCHMARKS,
    **upscaling.BENCHMARKS,
}


def main() -> int:
    """Run the named benchmarks, or all; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="launch.py bench")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)}; all if none is named"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here too")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(
            f"there is no benchmark {', '.join(sorted(unknown))}; choose of: {', '.join(BENCHMARKS)}"
        )
    results: list[Result] = []
    for name in options.names or BENCHMARKS:
        for result in BENCHMARKS[name]():
            print(result, flush=True)
            results.append(result)
    if options.json:
        options.json.write_text(json.dumps([result.as_json() for result in results], indent=2))
    return int(any(result.met is False for result in results))


if __name__ == "__main__":
    sys.exit(main())
