"""Implement `gatekeeper command`: send a request to a running session from another terminal."""

import json

import typer

from gatekeeper.cli.options import JsonOption, OperatorOption, PlaceArg, WordsArg
from gatekeeper.cli.output import say
from gatekeeper.core.errors import InputError
from gatekeeper.core.login import login_name
from gatekeeper.operator.client import send_request
from gatekeeper.operator.control_socket import STATUS
from gatekeeper.operator.request import request_from_json


def command(place: PlaceArg, action: WordsArg, operator: OperatorOption = None, as_json: JsonOption = False) -> None:
    """Send a running session of your own a request: arm, hold, release, reset, rebase, reference, disarm, end, status.

    Exit 0 when it was done, 1 when it was refused, 2 when no session answers.
    """
    name = login_name() if operator is None else operator
    if action != [STATUS]:
        try:
            request_from_json(action, name, "command line")
        except InputError as error:
            raise InputError(f"command line: {error}") from None
    answer = send_request(place, action, name)
    if "status" in answer:
        for key, value in answer["status"].items():
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            if isinstance(shown, float):
                shown = f"{round(shown, 2) + 0.0:g}"
            say(f"{key:18}{'-' if shown is None or shown == '' else shown}", err=as_json)
    else:
        say(f"{'done' if answer['accepted'] else 'refused'}: {answer.get('note', '')}", err=as_json)
    if as_json:
        typer.echo(json.dumps(answer))
    if not answer["accepted"]:
        raise typer.Exit(1)
