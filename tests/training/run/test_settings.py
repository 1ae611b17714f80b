"""Tests of training recipes."""

from pathlib import Path

import pytest

from duygu.shared.errors import ConfigurationError
from duygu.training.run.settings import FOLDER, SOURCES, load_recipe


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_every_recipe_can_be_read(name: str) -> None:
    """Every recipe has the name of its file, and head weights that sum to 1."""
    recipe = load_recipe(name)
    assert recipe.clip.name == name
    assert recipe.clips or recipe.stills
    if recipe.stills:
        for shares in (recipe.stills.shares, recipe.stills.moving_shares):
            assert shares(SOURCES, recipe.clip.labels).sum(axis=0) == pytest.approx(1)


def test_seed16_is_as_it_was() -> None:
    """The recipe of the original project: 10 consecutive frames of 16 x 16, 30 epochs, batches of 4, rate 0.0005."""
    recipe = load_recipe("seed16")
    assert recipe.clip.input_shape == (10, 16, 16, 1)
    assert recipe.clip.rate_hz is None
    assert recipe.clips
    assert (recipe.clips.epochs, recipe.clips.batch, recipe.clips.learning_rate) == (30, 4, 0.0005)


@pytest.mark.parametrize("text", ["network = ", 'network = "flat"', '[clip]\nname = "x"\nsize = 16\n'])
def test_a_wrong_recipe_is_explained(text: str, tmp_path: Path) -> None:
    """Invalid TOML, a missing section and a missing network raise ConfigurationError."""
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError):
        load_recipe(str(path))


CLIP = '[clip]\nname = "x"\nsize = 16\n'
STILLS = "batch = 1\ncycles = []\nweight_decay = 0\nlabel_smoothing = 0\nloss = {}\nanswer = {}\n"
CLIPS = "epochs = 1\nbatch = 1\nlearning_rate = 1\npatience = 1\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f'network = "inflatd"\n{CLIP}', "network: Input should be 'flat' or 'inflated'"),
        (f'network = "flat"\n{CLIP}normalisation = "frames"', "clip.normalisation: .* 'dataset', 'clip' or 'frame'"),
        (f'network = "flat"\n{CLIP}align = "eye"', "clip.align: Input should be 'box' or 'eyes'"),
        (f'network = "flat"\n{CLIP}rate = 5', "clip.rate: Unexpected"),
        (f'network = "flat"\n{CLIP}rate_hz = -5', "invalid recipe: rate_hz -5"),
        (f'network = "flat"\n{CLIP}[stills]\n{STILLS}answer_of.fear.vote = 1', "fear.vote.*: .* votes, fer2013"),
        (f'network = "flat"\n{CLIP}[stills]\n{STILLS}answer_of.angst.votes = 1', "angst.*: .* anger, disgust"),
        (f'network = "flat"\n{CLIP}[stills]\n{STILLS}loss_of.asks.votes = 1', "asks.*: .* 'stills' or 'pseudo_labels'"),
        (f'network = "flat"\n{CLIP}[stills]\n{STILLS}moving.vote = 1', "moving.vote.*: .* votes, fer2013"),
        (f'network = "flat"\n{CLIP}[clips]\n{CLIPS}frozen = "answer"', "clips.frozen: Input should be a valid tuple"),
    ],
)
def test_unknown_keys_and_values_are_rejected(text: str, complaint: str, tmp_path: Path) -> None:
    """An unknown key, source, label or value raises ConfigurationError that names the valid ones."""
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=complaint):
        load_recipe(str(path))


def test_an_unknown_recipe_names_the_known_ones() -> None:
    """The error for an unknown recipe lists the recipes of the project."""
    with pytest.raises(ConfigurationError, match="e3d48"):
        load_recipe("other")


def test_a_recipe_that_is_no_text_is_explained(tmp_path: Path) -> None:
    """A file that is not UTF-8 and a folder raise ConfigurationError with the path."""
    (tmp_path / "mine.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(ConfigurationError, match=r"invalid recipe: .*mine\.toml is not TOML"):
        load_recipe(str(tmp_path / "mine.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"folder\.toml cannot be read"):
        load_recipe(str(tmp_path / "folder.toml"))


def test_earlier_keys_are_accepted(tmp_path: Path) -> None:
    """`asked` of version 0.1 is read as `distillation_images` and `pseudo_labels`, with a warning."""
    present = tmp_path / "present.toml"
    present.write_text((FOLDER / "e3d48.toml").read_text(encoding="utf-8"), encoding="utf-8")
    earlier = present.with_name("earlier.toml")
    text = present.read_text(encoding="utf-8")
    for new in ("distillation_images", "pseudo_labels"):
        assert new in text
        text = text.replace(new, "asked")
    earlier.write_text(text, encoding="utf-8")
    with pytest.warns(DeprecationWarning, match="write `distillation_images`"):
        assert load_recipe(str(earlier)) == load_recipe(str(present))
