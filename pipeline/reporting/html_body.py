"""A page of the report, which is Markdown, as HTML in which no corpus's text can be markup.

Of raw HTML only the `<details>` that the report itself writes come through, of links and images
only those to files of the site.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.reporting.html_table import html_table, shown_text

# says where a link of the page leads in the site; None if the site has no such file
Resolve = Callable[[str], str | None]

OWN = "own"  # the type of tokens that are HTML written here
DETAILS = re.compile(r"<details><summary>([^<>&]*)</summary>|</details>")


def title_of(markdown: str) -> str:
    """Return the first line of a page, its heading, without its markup."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    return next((shown_text(token) for token in tokens if token.type == "inline"), "")


def html_body(markdown: str, resolve: Resolve) -> str:
    """Render a page's content, its heading included."""
    parser = MarkdownIt("commonmark").enable("table")
    parser.add_render_rule(OWN, _as_it_is)
    parser.add_render_rule("html_block", _only_details)
    parser.add_render_rule("html_inline", _no_markup)
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.children:
            token.children = list(_linked(token.children, resolve))

    def rendered(tokens: Sequence[Token]) -> str:
        return str(parser.renderer.render(tokens, parser.options, {}))

    return rendered(list(_with_tables(tokens, lambda cell: rendered([cell]))))


def _as_it_is(_: object, tokens: Sequence[Token], number: int, *__: object) -> str:
    return tokens[number].content


def _no_markup(_: object, tokens: Sequence[Token], number: int, *__: object) -> str:
    return escape(tokens[number].content)


def _only_details(_: object, tokens: Sequence[Token], number: int, *__: object) -> str:
    content = tokens[number].content
    return content if DETAILS.fullmatch(content.strip()) else f"<p>{escape(content)}</p>\n"


def _own(html: str) -> Token:
    return Token(OWN, "", 0, content=html)


def _linked(children: Sequence[Token], resolve: Resolve) -> Iterator[Token]:
    """Let links and images lead to files of the site; of others the text stays."""
    is_kept = True
    for token in children:
        if token.type == "image":
            yield _own(_figure(resolve(str(token.attrs["src"])), escape(token.content)))
            continue
        if token.type == "link_open":
            target = resolve(str(token.attrs["href"]))
            is_kept = target is not None
            token.attrs = {"href": target or ""}
        if is_kept or not token.type.startswith("link_"):
            yield token


def _figure(place: str | None, told: str) -> str:
    """Write a figure, in a box to scroll in, that leads to itself alone."""
    if place is None:
        return told
    place = escape(place)
    return f'<a class="box figure" href="{place}"><img src="{place}" alt="{told}"></a>'


def _with_tables(tokens: Sequence[Token], inline: Callable[[Token], str]) -> Iterator[Token]:
    """Put HTML of our own in the place of every table, named after what stands over it."""
    name = ""
    table: list[Token] = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        if before and before.type == "heading_open":
            name = shown_text(token)
        elif token.type == "html_block" and (summary := DETAILS.match(token.content)):
            name = summary[1] or name
        if table or token.type == "table_open":
            table.append(token)
        else:
            yield token
        if token.type == "table_close":
            yield _own(html_table(table, name, inline))
            table = []
