"""Text to terms: which words a text has, which of them are dropped, and what stem the others share."""

from __future__ import annotations

import re
from collections.abc import Iterable

import Stemmer

from nearkin.errors import BadInput

WORD = re.compile(r"\b\w\w+\b")  # runs of two or more letters, digits or underscores, in any script

# Words that say nothing about what a text is about. English: the list of Lucene; the others: articles, pronouns, prepositions and
# forms of to be and to have. A language without a list drops nothing: idf makes frequent words weigh little anyway.
STOP_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "english": "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
        "to was will with",
        "german": "als am an auch auf aus bei bin bis das dass dem den der des die dies diese dieser doch du durch ein eine einem einen "
        "einer eines er es für hat haben ich ihr im in ist ja kein mit nach nicht noch nur oder sein sich sie sind so um und uns "
        "unter vom von vor war was wenn wie wir zu zum zur über",
        "french": "au aux avec ce ces cette comme dans de des du elle en est et eux il ils je la le les leur leurs lui ma mais me mes mon "
        "ne nos notre nous on ou où par pas pour qu que qui sa se ses son sont sur ta te tes ton tu un une vos votre vous été être",
        "spanish": "al como con de del desde donde el ella ellos en entre es esta este esto fue ha han hasta la las le les lo los mas me "
        "mi más muy ni no nos o para pero por porque que se ser si sin sobre son su sus también te tu un una unos y ya",
        "italian": "ad al alla alle anche che chi ci come con da dal dalla degli dei del della delle di dove ed gli ha hanno il in io la "
        "le lei li lo loro lui ma mi nei nel nella no noi non per però più quale questa questo se si sono su sua sul sulla suo ti "
        "tra tu un una uno vi",
        "portuguese": "ao aos as até com como da das de dela dele do dos ela ele em entre era essa esse esta este eu foi há isso isto já "
        "lhe mais mas me mesmo meu minha muito na nas nem no nos não ou para pela pelo por quando que quem se sem ser seu sua "
        "são também te um uma você à às é",
        "dutch": "aan al als bij dan dat de der deze die dit door een en er had heb het hij hoe hun ik in is ja je kan maar me met mij "
        "mijn na naar niet nog nu of om onder ons ook op over te tot uit van veel voor was wat we wel wij wordt ze zij zijn zo",
        "swedish": "alla att av blev bli de dem den denna det dig din du där efter ej eller en er ett från för ha hade han har hon i icke "
        "inte jag kan man med men mig min mot mycket ni nu när och om oss på sig sin som till under upp ut var vara vi vid är",
        "danish": "af alle at blev den der deres det dig din dog du efter eller en end er et for fra ham han har havde hun hvad hvis i "
        "ikke ind jeg jer kan man med men mig min nu når og også om op os på sig sin skal som til ud under var vi vil",
        "norwegian": "alle at av bare ble de deg den der deres det din du eller en er et etter for fra ha hadde han har henne hun hva "
        "hvis i ikke inn jeg kan man med meg men min nå når og også om opp oss på seg sin skal som til ut var ved vi vil",
        "finnish": "ei eivät en ettei että he hän ja jo jos joka jotka kanssa kuin kun me mikä minä mitä mutta mukaan ne niin nyt ole "
        "oli olla on ovat se sekä siitä sinä tai tämä te vaan vain",
        "russian": "бы был была были было быть вам вас во вот все всё вы где да для до его ее если есть еще же за из или им их как когда "
        "ко ли меня мне мы на над не нет ни но ну об он она они оно от по под при с со так там то только ты уже чем что чтобы это "
        "этот я",
    }.items()
}


class Analyser:
    """Words of a text, and the term each word counts for.

    `language`: a Snowball language ("english", "german", ...), or "none", which drops and stems nothing.
    Lower case, then every match of `WORD`, then stop words out, then the stem. Refused: a language that Snowball does not know.
    """

    def __init__(self, language: str) -> None:
        known = ["none", *Stemmer.algorithms()]
        if language not in known:
            raise BadInput(f"no analyser for the language {language!r}; choose one of {', '.join(known)}")
        self.stop_words = STOP_WORDS.get(language, frozenset())
        self._stemmer = None if language == "none" else Stemmer.Stemmer(language)

    def words(self, text: str) -> list[str]:
        """All words in order, as they stand but in lower case."""
        return WORD.findall(text.lower())

    def term(self, word: str) -> str | None:
        """What a word counts for, or None for a stop word."""
        if word in self.stop_words:
            return None
        return word if self._stemmer is None else self._stemmer.stemWord(word)

    def terms(self, words: Iterable[str]) -> set[str]:
        """The distinct terms of many words."""
        kept = [word for word in words if word not in self.stop_words]
        return set(kept if self._stemmer is None else self._stemmer.stemWords(kept))
