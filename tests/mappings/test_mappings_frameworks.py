import pytest

from mappings import Association, Competency, Framework, FrameworkError, topological


def child(origin: str, parent: str, sequence: int | None = None) -> Association:
    name = f"{origin} under {parent}"
    return Association(name, "isChildOf", origin, parent, sequence)


def before(earlier: str, later: str, name: str = "") -> Association:
    return Association(name or f"{earlier} {later}", "precedes", earlier, later)


GRADE = Framework(
    "doc",
    "Grade 7",
    competencies=(
        Competency("c10", "Ten", "7.10", list_enumeration="10."),
        Competency("c2", "Two", "7.2", list_enumeration="2."),
        Competency("last", "Last", "7.0"),
        Competency("first", "First", "7.99"),
        Competency("strand", "Strand"),
        Competency("orphan", "Orphan"),
    ),
    associations=(
        child("c10", "strand"),
        child("c2", "strand"),
        child("last", "strand", 9),
        child("first", "strand", 1),
        child("strand", "doc"),
        child("unknown", "strand"),
        before("c2", "c10"),
        before("c2", "c10", "again"),
        before("c2", "elsewhere"),
        before("elsewhere", "c2"),
    ),
)


def names(found: tuple[Competency, ...]) -> list[str]:
    return [competency.case_id for competency in found]


def test_children_stand_by_sequence_then_enumeration_then_code() -> None:
    assert names(GRADE.children("strand")) == ["first", "last", "c2", "c10"]
    assert names(GRADE.children("c2")) == []


def test_the_top_is_the_children_of_the_document_and_the_orphans() -> None:
    assert names(GRADE.roots()) == ["strand", "orphan"]


def test_a_framework_is_read_from_the_top_with_depth() -> None:
    assert [(found.case_id, depth) for found, depth in GRADE.in_order()] == [
        ("strand", 0),
        ("first", 1),
        ("last", 1),
        ("c2", 1),
        ("c10", 1),
        ("orphan", 0),
    ]


def test_a_leaf_has_nothing_under_it() -> None:
    assert GRADE.is_leaf("c2")
    assert not GRADE.is_leaf("strand")


def test_ancestors_come_nearest_first_and_once() -> None:
    tree = Framework(
        "doc",
        competencies=tuple(Competency(name) for name in "abcd"),
        associations=(
            child("a", "b"),
            child("a", "c"),
            child("b", "d"),
            child("c", "d"),
            child("d", "a"),
        ),
    )

    assert names(tree.ancestors("a")) == ["b", "c", "d"]
    assert names(GRADE.ancestors("strand")) == []


def test_a_child_under_two_parents_is_met_once() -> None:
    tree = Framework(
        "doc",
        competencies=tuple(Competency(name) for name in "abc"),
        associations=(
            child("a", "doc"),
            child("b", "doc"),
            child("c", "a"),
            child("c", "b"),
        ),
    )

    assert [(found.case_id, depth) for found, depth in tree.in_order()] == [
        ("a", 0),
        ("c", 1),
        ("b", 0),
    ]


def test_prerequisites_are_edges_inside_once_each() -> None:
    assert GRADE.precedes() == (("c2", "c10"),)


def test_earlier_competencies_come_first() -> None:
    assert topological([("b", "c"), ("a", "b")]) == ("a", "b", "c")


def test_a_ring_is_refused_with_its_path() -> None:
    with pytest.raises(FrameworkError) as refused:
        topological([("a", "b"), ("b", "a")])

    assert str(refused.value) in {
        "edges close a ring: a -> b -> a; remove one of them",
        "edges close a ring: b -> a -> b; remove one of them",
    }


def test_extending_adds_what_is_not_there() -> None:
    more = before("c10", "last")

    assert GRADE.extended([more, more]).associations == (*GRADE.associations, more)
    assert GRADE.extended([more]).extended([more]) == GRADE.extended([more])


@pytest.mark.parametrize(
    ("competency", "label"),
    [
        (Competency("id", "statement", "code", "short"), "code"),
        (Competency("id", "statement", abbreviated="short"), "short"),
        (Competency("id", "statement"), "statement"),
        (Competency("id"), "id"),
    ],
)
def test_a_competency_has_a_label(competency: Competency, label: str) -> None:
    assert competency.label == label


@pytest.mark.parametrize(
    ("framework", "creator"),
    [
        (Framework("d", creator="them", publisher="us"), "them"),
        (Framework("d", publisher="us"), "us"),
        (Framework("d"), "unknown"),
    ],
)
def test_a_framework_names_its_creator(framework: Framework, creator: str) -> None:
    assert framework.creator == creator


def test_frameworks_can_be_kept_in_sets() -> None:
    assert len({GRADE, GRADE.extended(())}) == 1
