"""Names of made-up people, as a school with families from many places has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name; family is empty for people who have one name only."""

    given: str
    family: str

    @property
    def full(self) -> str:
        """The name as it is read out."""
        return f"{self.given} {self.family}".strip()


STUDENT: Final = Name("Amira", "Haddad")
GUARDIAN: Final = Name("Nadia", "Haddad")
TEACHER: Final = Name("Grace", "Lee")
ADMINISTRATOR: Final = Name("Samuel", "Okafor")
LEADER: Final = Name("Ruth", "Castellanos")
ASSISTANT: Final = Name("Priya", "Raman")

# In Ms. Lee's section B, beside Amira.
CLASSMATES: Final = (
    Name("Ben", "Ortiz"),
    Name("Minh Anh", "Nguyễn"),
    Name("Siobhán", "O'Brien"),
    Name("Łukasz", "Wójcik"),
    Name("小明", "王"),
    Name("Ngũgĩ", "wa Mwangi"),
    Name("Søren", "Østergård"),
    Name("José-María", "de la Cruz Santos"),
    Name("Zoë", "Müller"),
    Name("Çağla", "Çelik"),
    Name("Suharto", ""),
)
# Somewhere in the first school; the two Emmas sit in one class.
SCHOOLMATES: Final = (
    Name("Emma", "Johnson"),
    Name("Emma", "Johnson"),
    Name("ليلى", "منصور"),
    Name("Дмитро", "Шевченко"),
    Name("Ελένη", "Παπαδοπούλου"),
    Name("आरव", "शर्मा"),
    Name("さくら", "田中"),
    Name("서연", "김"),
    Name("נועה", "לוי"),
    Name("Ke\N{MODIFIER LETTER TURNED COMMA}ala", "Kamakahi"),
    Name("Björk", "Guðmundsdóttir"),
    Name("María Fernanda Guadalupe", "Vasconcelos de Albuquerque e Castro-Montenegro"),
    Name("Maximilian-Alexander", "von und zu Hohenstein-Schwarzenfels"),
    Name("Hosokawa", ""),
    Name("Jean-Luc", "D'Arcy-Lefèvre"),
    Name("Li", "O"),
)

# Given names and family names that go together, by where families came from.
POOLS: Final = (
    (
        (
            "Ava Noah Mia Liam Ella Owen Grace Jack Chloe Henry Lucy Caleb Hazel Wyatt "
            "Nora Miles Ruby Isaac Violet Dylan"
        ),
        (
            "Johnson Smith Baker Carter Bennett Hughes Parker Reed Sullivan Walsh "
            "McKenzie O'Connor Fletcher Hayes Dawson Whitaker"
        ),
    ),
    (
        (
            "Sofía Mateo Valentina Diego Camila Santiago Lucía Emiliano Ximena Andrés "
            "Renata Joaquín Paloma Iván Itzel Rafael"
        ),
        (
            "García Hernández Martínez López Ramírez Flores Núñez Peña Ibáñez "
            "Castañeda Quintero Villaseñor Ríos Zamora"
        ),
    ),
    (
        "Linh Minh Thảo Huy Ngọc Khoa Trang Bảo Phương Đức Quỳnh Tuấn",
        "Nguyễn Trần Lê Phạm Hoàng Vũ Đặng Bùi Đỗ Ngô",
    ),
    (
        "Layla Omar Yasmin Karim Salma Tariq Noor Bilal Hana Ziad Rania Idris",
        "Haddad Mansour Khalil Nasser Aziz Saleh Farouk Hamdan Qasim Rahimi",
    ),
    (
        "Anaya Rohan Diya Arjun Meera Vihaan Kavya Ishaan Zara Dev Saanvi Kabir",
        "Sharma Patel Iyer Banerjee Reddy Chowdhury Khan Nair Joshi Mehta Singh",
    ),
    (
        "Chidi Adaeze Kofi Ama Wanjiru Juma Thandiwe Sipho Zola Kwame Nneka Baraka",
        "Okonkwo Mensah Kamau Dlamini Adeyemi Boateng Otieno Nkosi Abebe Tesfaye",
    ),
    (
        "Wei Mei Jun Xin Hao Yan Lin Bo Ting Rui Jia Kai",
        "Chen Zhang Wong Liu Huang Lin Zhao Wu Tan Ho",
    ),
    (
        "Zofia Jakub Anežka Vojtěch Oksana Dmytro Mihai Ioana Petra Tomáš Elif Emre",
        (
            "Kowalski Novák Dvořák Horváth Popescu Ionescu Šimić Jovanović "
            "Y\N{LATIN SMALL LETTER DOTLESS I}lmaz Şahin Öztürk Král"
        ),
    ),
    (
        "Freja Lars Ingrid Åsa Elodie Théo Amélie Jürgen Greta Matteo Giulia Inês",
        (
            "Lindström Sørensen Håkansson Dubois Lefèvre Schröder Groß Weiß Rossi "
            "D'Angelo Conceição Araújo van-den-Berg"
        ),
    ),
    (
        "Leilani Keoni Sina Tama Malia Kai Aroha Nikau Talia Manu",
        "Kahananui Tuilagi Faleolo Ngata Taufa Parata Mahelona Latu",
    ),
)
WEIGHTS: Final = (26, 20, 9, 9, 10, 9, 8, 7, 7, 4)


def _pairs(chance: Random, pool: tuple[str, str]) -> Iterator[Name]:
    givens, families = pool[0].split(), pool[1].split()
    pairs = [(given, family) for given in givens for family in families]
    chance.shuffle(pairs)
    for given, family in pairs:
        yield Name(given, family.replace("-den-", " den "))


def invented_names(chance: Random) -> Iterator[Name]:
    """Yield names, no two alike and none of the chosen ones; about 1,700."""
    seen = {STUDENT, GUARDIAN, TEACHER, ADMINISTRATOR, LEADER, ASSISTANT}
    seen.update(CLASSMATES, SCHOOLMATES)
    pools = [_pairs(chance, pool) for pool in POOLS]
    weights = list(WEIGHTS)
    while any(weights):
        (place,) = chance.choices(range(len(pools)), weights)
        name = next(pools[place], None)
        if name is None:
            weights[place] = 0
        elif name not in seen:
            seen.add(name)
            yield name
