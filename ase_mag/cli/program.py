"""``ase-mag COMMAND``: parse, call, print."""

import argparse
import os
import signal
import sys
import warnings

import ase_mag
from ase_mag.cli import (
    check_reference,
    convert,
    curie,
    demo,
    fit,
    gui,
    info,
    landscapes,
    plot,
    relax,
    run,
)
from ase_mag.cli.job import InputError

#: Sub-commands: modules with SUMMARY, add_arguments(parser) and run(arguments),
#: which may return an exit status.
COMMANDS = {
    "demo": demo,
    "run": run,
    "fit": fit,
    "landscapes": landscapes,
    "curie": curie,
    "relax": relax,
    "plot": plot,
    "convert": convert,
    "gui": gui,
    "check-reference": check_reference,
    "info": info,
}


def main(arguments=None):
    """Run ``ase-mag`` with ``arguments`` (a list of str; None: those of the shell).

    Returns the exit status: that of the command (0 where it has none), 1 after a job that failed,
    2 for wrong input, 130 after an interrupt from the keyboard. Errors are printed without a
    traceback unless ``--traceback`` is given, warnings as one line.
    """
    options = make_parser().parse_args(arguments)
    format_before = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"ase-mag {options.command}: {message}\n"
    try:
        return options.run(options) or 0
    except KeyboardInterrupt:
        print(f"ase-mag {options.command}: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, ImportError, RuntimeError, MemoryError) as error:
        if options.traceback:
            raise
        print(f"ase-mag {options.command}: {error}", file=sys.stderr)
        print("(ase-mag --traceback shows where)", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    finally:
        warnings.formatwarning = format_before


def make_parser():
    """Return the argument parser of ``ase-mag`` and all its sub-commands."""
    parser = argparse.ArgumentParser(
        prog="ase-mag", description="Magnetic moments that move, for ASE."
    )
    parser.add_argument("--version", action="version", version=f"ase-mag {ase_mag.__version__}")
    parser.add_argument("--traceback", action="store_true", help="show where an error came from")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=module.__doc__,
            formatter_class=_Formatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


class _Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the paragraphs of the description and shows defaults."""
