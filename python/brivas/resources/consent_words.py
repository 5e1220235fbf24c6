"""Kind ConsentWords: what incoming messages say about consent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from brivas.resources.base import Claim, Part, Resource


class ConsentWord(Part, frozen=True):
    """A word, or up to four; case, blanks and punctuation do not count."""

    phrase: Annotated[str, Meta(min_length=1, max_length=100, description="As it is written.")]
    means: Annotated[
        Literal["stop", "start"], Meta(description="`stop`: nothing more; `start`: messages are welcome again.")
    ]
    alone: Annotated[bool, Meta(description="Counts only as the whole message; else also as its beginning.")] = True


class ConsentWordsSpec(Part, frozen=True):
    """The words that fill the suppressions."""

    built_in: Annotated[
        bool, Meta(description="The words that are built in count too: STOP and its relatives in many languages.")
    ] = True
    words: Annotated[tuple[ConsentWord, ...], Meta(max_length=200, description="More words, or other meanings.")] = ()


class ConsentWords(Resource, frozen=True):
    """What STOP and START are in incoming messages. Without this resource the built-in words count."""

    kind_name: ClassVar[str] = "ConsentWords"

    kind: Annotated[Literal["ConsentWords"], Meta(description="Always `ConsentWords`.")]
    spec: ConsentWordsSpec

    def claims(self) -> Iterable[Claim]:
        """There is one such list, and a word stands in it once."""
        yield Claim(("kind",), "resource of kind", "ConsentWords")
        for index, word in enumerate(self.spec.words):
            yield Claim(("spec", "words", index, "phrase"), "meaning of", " ".join(word.phrase.casefold().split()))
