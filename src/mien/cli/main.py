"""The command `mien`: commands, and how errors become exit codes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from mien.cli import (
    analyze,
    anonymize,
    audit,
    backbones,
    calibrate,
    clean,
    detect,
    doctor,
    enrol,
    evaluate,
    export,
    finetune,
    gallery,
    group,
    identify,
    index,
    keys,
    losses,
    masks,
    models,
    morph,
    output,
    pad,
    parse,
    prepare,
    presentation,
    quality,
    samples,
    serve,
    train,
    train_parsing,
    verify,
)
from mien.errors import MienError, UsageError
from mien.version import __version__

INTERRUPTED = 130
"""What Typer makes of Ctrl-C."""

app = typer.Typer(
    help="Finds faces, groups, verifies and identifies people, and says how far each answer can be trusted.",
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    del debug, version  # read in main(), before any command is chosen


_PANELS: dict[str, dict[str, Callable[..., int | None] | typer.Typer]] = {
    "Compare and find people": {
        "verify": verify.verify,
        "detect": detect.detect,
        "group": group.group,
        "enrol": enrol.enrol,
        "index": index.index,
        "identify": identify.identify,
        "gallery": gallery.app,
    },
    "Look at faces": {
        "analyze": analyze.analyze,
        "quality": quality.quality,
        "pad": pad.pad,
        "morph": morph.app,
        "parse": parse.parse,
        "anonymize": anonymize.anonymize,
    },
    "Measure": {
        "evaluate": evaluate.app,
        "calibrate": calibrate.calibrate,
        "presentation": presentation.app,
    },
    "Train": {
        "prepare": prepare.prepare,
        "clean": clean.clean,
        "train": train.train,
        "finetune": finetune.finetune,
        "export": export.export,
        "backbones": backbones.backbones,
        "losses": losses.losses,
        "masks": masks.masks,
        "train-parsing": train_parsing.train_parsing,
    },
    "Serve": {"serve": serve.serve, "keys": keys.app, "audit": audit.app},
    "Set up": {"models": models.app, "samples": samples.samples, "doctor": doctor.doctor},
}
"""Commands by the panel of `mien --help` that they are shown in."""

for _panel, _members in _PANELS.items():
    for _name, _member in _members.items():
        if isinstance(_member, typer.Typer):
            app.add_typer(_member, name=_name, rich_help_panel=_panel)
        else:
            app.command(_name, rich_help_panel=_panel)(_member)

_COMMANDS = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments == ["--version"]:
        sys.stdout.write(f"mien {__version__}\n")
        return
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(run(arguments))


def run(arguments: list[str]) -> int:
    """Run the command and give its exit code; errors become one line on stderr."""
    try:
        code = app(arguments or ["--help"], prog_name="mien", standalone_mode=False)
    except typer.Exit as leave:
        code = leave.exit_code
    except typer.TyperException as error:
        return _failed(arguments, UsageError(f"{error.format_message()} (see `mien {_command(arguments)}--help`)"))
    except MienError as error:
        if "--debug" in arguments:
            raise
        return _failed(arguments, error)
    if code == INTERRUPTED:
        output.complain("interrupted; what was acknowledged is kept, the same command goes on from there")
    return code if isinstance(code, int) else 0


def _failed(arguments: list[str], error: MienError) -> int:
    output.complain(" ".join(error.message.split()))
    if "--json" in arguments:
        output.error_document(error.to_dict())
    return error.exit_code


def _command(arguments: list[str]) -> str:
    """The command asked for, if there is one."""
    return f"{arguments[0]} " if arguments and arguments[0] in _COMMANDS else ""


def _terminated(_number: int, _frame: object) -> None:
    raise SystemExit(143)
