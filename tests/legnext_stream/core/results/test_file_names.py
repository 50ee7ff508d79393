"""The laws of file names: harmless, bounded, and never the same for two results."""

from __future__ import annotations

import string
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from legnext_stream import InvalidJobId, Job
from legnext_stream._core.results.file_names import DEFAULT_NAME, NameTemplate, Origin, slug

IDS = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=64)
UUIDS = st.uuids().map(str)
LITERALS = st.text("ab-_. 1é", max_size=5)
FIELDS = ("job_id", "number", "task_type", "tag", "position", "prompt")


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Templates that are accepted."""
    fields = draw(st.lists(st.sampled_from(FIELDS), max_size=4))
    fields = draw(st.permutations([*fields, "number", draw(st.sampled_from(FIELDS[:1]))]))
    # Something between two fields, so that one's end is not the other's beginning.
    text = "x".join(f"{draw(LITERALS)}{{{field}}}" for field in fields)
    return text.lstrip(". ") + draw(st.sampled_from(["", "{suffix}"]))


origins = st.builds(
    Origin,
    job=st.builds(Job, job_id=IDS, task_type=st.text()),
    number=st.integers(1, 64),
    position=st.integers(1, 10**9),
    prompt=st.text(),
    tag=st.none() | st.text() | st.integers(),
)


@given(templates(), origins)
def test_a_name_is_one_part_of_a_path(template: str, origin: Origin) -> None:
    """Whatever a job, a prompt and a tag contain, the file is in its folder and visible."""
    stem = NameTemplate(template).stem(origin)
    name = f"{stem}.png"
    assert PurePosixPath(name).parts == (name,)
    assert PureWindowsPath(name).parts == (name,)
    assert not name.startswith((".", " "))
    assert name.isprintable()
    assert len(name.encode()) <= 255


@given(templates(), UUIDS, UUIDS, st.integers(1, 64), st.integers(1, 64), st.text(), st.text())
def test_two_results_never_share_a_name(
    template: str, one: str, other: str, first: int, second: int, prompt: str, tag: str
) -> None:
    """Two jobs, or two results of one, have different names, however alike they are."""
    assume((one, first) != (other, second))
    made = NameTemplate(template)
    names = {
        made.stem(Origin(job=Job(job_id=job), number=number, position=1, prompt=prompt, tag=tag))
        for job, number in ((one, first), (other, second))
    }
    assert len(names) == 2


@given(st.text(), st.integers(0, 80))
def test_slugs(text: str, longest: int) -> None:
    """Short, of letters and digits, with single dashes; and a slug of a slug is itself."""
    made = slug(text, longest)
    assert len(made.encode()) <= longest
    assert not made.startswith("-")
    assert not made.endswith("-")
    assert "--" not in made
    assert not set(made) & set('./\\:*?"<>|\0 ')


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("A fox, in the snow --ar 3:2", "a-fox-in-the-snow-ar-3-2"),
        ("../../etc/passwd", "etc-passwd"),
        ("Ein Fuchs im Gehölz", "ein-fuchs-im-gehölz"),
        ("雪の中の狐", "雪の中の狐"),
        ("हिन्दी", "हिन्दी"),
        ("...", ""),
        ("a" * 100, "a" * 60),
        ("é" * 100, "é" * 30),
        ("ab " * 100, ("ab-" * 20).rstrip("-")),
    ],
)
def test_slugs_by_example(text: str, made: str) -> None:
    """Letters of all scripts are kept, with their marks."""
    assert slug(text, 60) == made


@pytest.mark.parametrize(
    ("template", "stem"),
    [
        (DEFAULT_NAME, "j-2"),
        ("{position:04}-{number}{suffix}", "0007-2"),
        ("{task_type}_{job_id}_{number:2}", "video-diffusion_j_ 2"),
        ("{tag}.{job_id}.{number}", "my-tag.j.2"),
        ("{prompt} ({job_id}, {number}){suffix}", "a-fox (j, 2)"),
        ("{{{job_id}}}-{number}", "{j}-2"),
    ],
)
def test_templates(template: str, stem: str) -> None:
    """Each field is where the template has it."""
    job = Job(job_id="j", task_type="video-diffusion")
    origin = Origin(job=job, number=2, position=7, prompt="A fox!", tag="my tag")
    assert NameTemplate(template).stem(origin) == stem


def test_an_empty_field_leaves_no_dot_in_front() -> None:
    """A name that begins with a dot is a hidden file."""
    origin = Origin(job=Job(job_id="j"), number=1)
    assert NameTemplate("{tag}.{job_id}-{number}").stem(origin) == "j-1"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{job_id}{suffix}", "no {number}"),
        ("{prompt}-{number}{suffix}", "jobs would collide"),
        ("", "no {number}"),
        ("a/{job_id}-{number}", "a character that can't be"),
        ("..\\{job_id}-{number}", "a character that can't be"),
        ("{job_id}:{number}", "a character that can't be"),
        ("{job_id}\0{number}", "a character that can't be"),
        ("{job_id}\udcff{number}", "a character that can't be"),
        (".{job_id}-{number}", "begins with a dot"),
        ("{job_id}-{number}.png", "must end in {suffix}"),
        ("{suffix}{job_id}-{number}", "must come last"),
        ("{job_id}-{number}{suffix}.bak", "must come last"),
        ("{job_id.__class__}-{number}", "a field that isn't one of"),
        ("{job_id[0]}-{number}", "a field that isn't one of"),
        ("{job_id!r}-{number}", "a field that isn't one of"),
        ("{job_id:>20}-{number}", "a field that isn't one of"),
        ("{job_id}-{number:999}", "a field that isn't one of"),
        ("{job_id}-{number:{position}}", "a field that isn't one of"),
        ("{job_id}-{number}-{seed}", "a field that isn't one of"),
        ("{}-{number}", "a field that isn't one of"),
        ("{job_id}-{number}{suffix:5}", "a field that isn't one of"),
        ("{job_id}-{number", "not a template"),
        ("x" * 242 + "{position}-{number}", "longer than a file system accepts"),
        ("{position:99}-{job_id}-{job_id}-{job_id}-{job_id}-{number}", "longer than"),
    ],
)
def test_what_is_no_template(template: str, why: str) -> None:
    """Names that could collide, leave the folder or have a wrong suffix are refused at once."""
    with pytest.raises(ValueError, match=why.replace("{", r"\{").replace("(", r"\(")):
        NameTemplate(template)


def test_what_can_not_be_named() -> None:
    """A malformed id, a missing position, and a name that is too long."""
    made = NameTemplate("{position}-{job_id}-{number}")
    with pytest.raises(InvalidJobId):
        made.stem(Origin(job=Job(job_id="../a"), number=1, position=1))
    with pytest.raises(ValueError, match="position"):
        made.stem(Origin(job=Job(job_id="a"), number=1))
    long = NameTemplate("{job_id}-{job_id}-{number}")
    with pytest.raises(ValueError, match="longer than a file system accepts"):
        long.stem(Origin(job=Job(job_id="a" * 128), number=1))
    assert "{job_id}-{job_id}" in repr(long)
