"""The command line: `nearkin COMMAND`, one file a command; results go to stdout, talk to stderr.

Exit status: 0 fine, 1 the data said no, 2 wrong use or bad input, 130 interrupted.
"""

from __future__ import annotations


def main() -> None:
    """Run the command that the arguments name."""
    try:
        from nearkin.cli.app import app

        app()
    except KeyboardInterrupt:  # before a command had begun; commands see to it themselves
        raise SystemExit(130) from None
