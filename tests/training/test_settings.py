"""The recipes that come with the project, and what is said of one that is wrong."""

from pathlib import Path

import pytest

from shared.errors import ConfigurationError, ModelError
from training.networks import SOURCES
from training.settings import FOLDER, load_recipe


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_every_recipe_can_be_read(name: str) -> None:
    """Each is named as its file, and weighs only sources that there are."""
    recipe = load_recipe(name)
    assert recipe.clip.name == name
    assert recipe.clips or recipe.stills
    if recipe.stills:
        assert set(recipe.stills.loss) | set(recipe.stills.answer) | set(recipe.stills.moving) <= set(SOURCES)
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


def test_an_unknown_setting_of_a_clip_is_refused(tmp_path: Path) -> None:
    """A typing error does not pass for a default."""
    path = tmp_path / "mine.toml"
    path.write_text('network = "flat"\n[clip]\nname = "x"\nsize = 16\nrate = 5\n', encoding="utf-8")
    with pytest.raises(ModelError, match="rate"):
        load_recipe(str(path))


def test_an_unknown_recipe_names_the_known_ones() -> None:
    """So that the reader need not look for them."""
    with pytest.raises(ConfigurationError, match="e3d48"):
        load_recipe("other")
