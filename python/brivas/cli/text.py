"""`brivas text plan`: what a text costs in each encoding, by the engine's own planner. Needs no running gateway."""

from __future__ import annotations

import click

from brivas.cli.output import json_option, print_json, styled


@click.group()
def text() -> None:
    """Tells what texts cost."""


@text.command(short_help="Shows parts and encodings of a text.")
@click.argument("content", metavar="TEXT")
@click.option(
    "--language",
    "languages",
    multiple=True,
    help="A language whose shift tables may be used, such as turkish; repeat it.",
)
@click.option("--transliterate", is_flag=True, help="Replace characters by their nearest, where that saves parts.")
@json_option
def plan(content: str, languages: tuple[str, ...], transliterate: bool, as_json: bool) -> None:
    """Shows in how many parts TEXT goes, in the encoding that is chosen and in the others."""
    from brivas import _core
    from brivas.errors import InvalidError
    from brivas.resources.text import LANGUAGE

    known = {str(language): int(number) for language, number in LANGUAGE.items()}
    unknown = [language for language in languages if language not in known]
    if unknown:
        raise InvalidError(f"no shift tables for {unknown[0]!r}", hint="one of " + ", ".join(known))
    numbers = [known[language] for language in languages]
    try:
        found = _core.plan_text(content, languages=numbers, transliterate=transliterate)
    except ValueError as error:
        raise InvalidError(f"the text has {error}", hint="shorten it, or send several messages") from error
    names = ("encoding", "data_coding", "unit", "units", "units_per_part", "parts", "replaced")
    chosen, *others = [dict(zip(names, way, strict=True)) for way in found]
    if as_json:
        print_json({**chosen, "alternatives": others})
        return
    for way in (chosen, *others):
        parts = styled(f"{way['parts']} parts" if way["parts"] != 1 else "1 part", bold=way is chosen)
        replaced = f", {way['replaced']} characters replaced" if way["replaced"] else ""
        click.echo(f"{way['encoding']:<12} {parts}, {way['units']} {way['unit']}{replaced}")
