"""The words of a text that carry its meaning, cut to their stems."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from html import unescape

Stem = Callable[[str], str]

# A tag has a name right after its bracket: "5 < x" and "using <, >" are mathematics.
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
# LaTeX commands and the marks around them say how, not what.
_LATEX = re.compile(r"\\[A-Za-z]+|[\\$]")
_WORD = re.compile(r"[^\W_]+")
_SHORTEST = 2
STOP = frozenset(
    _WORD.findall(
        """
        a about all also an and any are as at be been being between both but by can do
        does each eg etc expected for from had has have how if in including include into
        is it its may more most not of on one or other over own same should so some
        student students such than that the their them then there these they this those
        through to up use used uses using was we were what when where which who will
        with within would you your
        """
    )
)

# What kind of work it is, or which in a row, and not what it is about.
KINDS_OF_WORK = frozenset(
    _WORD.findall(
        """
        activity activities assessment assessments assignment assignments attendance
        bell benchmark book chapter chapters check class classwork credit day discussion
        do essay exam exams exercise exercises exit extra final formative homework hw
        journal lab lesson lessons make makeup midterm module notebook now packet page
        pages paper participation performance portfolio practice presentation problem
        problems project projects question questions quiz quizzes reflection report
        retake review ringer section set sets sheet summative syllabus task tasks term
        test tests ticket topic trimester unit units up warm warmup week workbook
        worksheet worksheets
        actividad capítulo clase cuaderno deberes ejercicio ejercicios examen lección
        página participación práctica prueba proyecto repaso semana tarea tema unidad
        activité bilan chapitre contrôle cours devoir devoirs évaluation exercice
        interrogation leçon page projet révision semaine séance unité
        اختبار امتحان تمرين تمارين درس مراجعة مشروع نشاط واجب وحدة ورقة
        """
    )
)


def plain(text: str) -> str:
    """Return text without HTML tags, entities and LaTeX marks."""
    if "<" in text:
        text = _TAG.sub(" ", text)
    return _LATEX.sub(" ", unescape(text))


def words(text: str) -> list[str]:
    """Return the words of a text that say something, folded, in its order.

    A number says something; a single letter does not.
    """
    return [word for word in _folded(text) if _says(word)]


def _folded(text: str) -> list[str]:
    found: list[str] = _WORD.findall(plain(text).casefold())
    return found


def _says(word: str) -> bool:
    return word not in STOP and (len(word) >= _SHORTEST or word.isdecimal())


def is_telling(word: str) -> bool:
    """Tell whether a word of a title may say what the work is about.

    "Unit 4 quiz" says nothing of it, whatever a statement has of these words.
    """
    return not word.isdecimal() and word not in KINDS_OF_WORK


def remembering(stem: Stem) -> Stem:
    """Return a stem that looks each word up once."""
    return lru_cache(maxsize=50_000)(stem)


def terms(text: str, stem: Stem) -> list[str]:
    """Return the stems of the words of a text, in its order."""
    return [stem(word) for word in words(text)]


class Lexicon(dict[str, str]):
    """The stem of each word, asked for once; "" for a word that says nothing."""

    def __init__(self, stem: Stem) -> None:
        super().__init__()
        self._stem = stem

    def __missing__(self, word: str) -> str:
        found = self[word] = self._stem(word) if _says(word) else ""
        return found

    def terms(self, text: str) -> Iterator[str]:
        """Yield the stems of the words of a text, in its order."""
        return filter(None, map(self.__getitem__, _folded(text)))
