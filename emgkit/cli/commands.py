"""The list of commands; each is loaded when it is called or when its help is asked for."""

from __future__ import annotations

from importlib import import_module

import click

from emgkit.cli.options import debug_option

__all__ = ["group"]

_HOME = {
    "demo": "demo",
    "inspect": "inspect",
    "clean": "clean",
    "run": "run",
    "collect": "collect",
    "report": "report",
    "validate": "validate",
    "list": "listing",
    "simulate": "simulate",
    "benchmark": "benchmark",
    "sys-info": "sys_info",
}


class _Lazy(click.Group):
    """A group whose commands lie in one module each, in the order of the work."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  the signature is click's
        """Name the commands."""
        return list(_HOME)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one command."""
        if cmd_name not in _HOME:
            return None
        command: click.Command = import_module(f"emgkit.cli.{_HOME[cmd_name]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or offer the nearest."""
        if args and args[0] not in _HOME and not args[0].startswith("-"):
            from emgkit._checks import nearest

            ctx.fail(f"There is no command {args[0]!r}; {nearest(args[0], _HOME)}.")
        return super().resolve_command(ctx, args)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="emgkit", prog_name="emgkit")
@debug_option
def group() -> None:
    """Take stimulated EMG apart, measure M-waves and voluntary activity, follow fatigue.

    Start with: emgkit demo
    """
