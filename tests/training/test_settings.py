"""The recipes that come with the project, and what is said of one that is wrong."""

from pathlib import Path

import pytest

from duygu.shared.errors import ConfigurationError
from duygu.training.settings import FOLDER, SOURCES, load_recipe


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_every_recipe_can_be_read(name: str) -> None:
    """Each is named as its file, and weighs sources to a whole."""
    recipe = load_recipe(name)
    assert recipe.clip.name == name
    assert recipe.clips or recipe.stills
    if recipe.stills:
        for shares in (recipe.stills.shares, recipe.stills.moving_shares):
            assert shares(SOURCES, recipe.clip.labels).sum(axis=0) == pytest.approx(1)


def test_seed16_is_as_it_was() -> None:
    """Ten frames in a row of 16 x 16 pixels, 30 epochs of batches of four at a rate of 0.0005."""
    recipe = load_recipe("seed16")
    assert recipe.clip.input_shape == (10, 16, 16, 1)
    assert recipe.clip.rate_hz is None
    assert recipe.clips
    assert (recipe.clips.epochs, recipe.clips.batch, recipe.clips.learning_rate) == (30, 4, 0.0005)


@pytest.mark.parametrize("text", ["network = ", 'network = "flat"', '[clip]\nname = "x"\nsize = 16\n'])
def test_a_wrong_recipe_is_explained(text: str, tmp_path: Path) -> None:
    """No TOML, no clips, no network."""
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
        (f'network = "flat"\n{CLIP}[stills]\n{STILLS}loss_of.asks.votes = 1', "asks.*: .* 'stills' or 'asked'"),
        (f'network = "flat"\n{CLIP}[stills]\n{STILLS}moving.vote = 1', "moving.vote.*: .* votes, fer2013"),
        (f'network = "flat"\n{CLIP}[clips]\n{CLIPS}frozen = "answer"', "clips.frozen: Input should be a valid tuple"),
    ],
)
def test_a_typing_error_does_not_pass_for_a_default(text: str, complaint: str, tmp_path: Path) -> None:
    """Words, sources, labels and settings that nothing knows are refused, with those that there are."""
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=complaint):
        load_recipe(str(path))


def test_an_unknown_recipe_names_the_known_ones() -> None:
    """So that the reader need not look for them."""
    with pytest.raises(ConfigurationError, match="e3d48"):
        load_recipe("other")


def test_a_recipe_that_is_no_text_is_explained(tmp_path: Path) -> None:
    """Bytes that are not UTF-8, or a folder."""
    (tmp_path / "mine.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(ConfigurationError, match=r"mine\.toml is not TOML"):
        load_recipe(str(tmp_path / "mine.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"folder\.toml cannot be read"):
        load_recipe(str(tmp_path / "folder.toml"))
