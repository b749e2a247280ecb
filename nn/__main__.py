"""`python -m nn digits`: train a network, print what it learned, draw how; see nn/cli.

Exit status: 0; 1 if a package is missing; 2 for a bad argument or bad data; 130 after Ctrl-C, as a
shell has it.
"""

import sys
from collections.abc import Sequence

from autograd import MissingExtraError
from nn.cli.options import parse
from nn.errors import DataError, HyperparameterError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(argv)
    try:
        interrupted: bool = options.run(options)
    except (DataError, HyperparameterError) as error:
        print(f"nn: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"nn: cannot write to --out: {error}", file=sys.stderr)
        return 2
    except MissingExtraError as error:
        print(f"nn: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("nn: interrupted", file=sys.stderr)
        return 130
    return 130 if interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
