"""A result with labels of which a known part disagrees."""

from random import Random

from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.labels.label import Label
from tests.support.results.known import face, two_faces, window


def labelled(
    stretches: int = 30, people: int = 2, *, flipped: float = 0.2, seed: int = 1
) -> tuple[Result, list[Label]]:
    """Return a result of windows a second apart, and a label for each; a share of them is of another emotion."""
    random = Random(seed)  # noqa: S311
    emotions = [EMOTIONS[random.randrange(5)] for _ in range(stretches)]
    windows = [window(float(place), emotion, random.uniform(0.3, 1)) for place, emotion in enumerate(emotions)]
    wrong = set(random.sample(range(stretches), round(stretches * flipped)))
    faces = [face(number + 1, windows[number::people]) for number in range(people)]
    labels = [
        Label.model_validate(
            {
                "face_id": place % people + 1,
                "start_s": place,
                "end_s": place + 0.9,
                "emotion": _label(emotion, flip=place in wrong),
            }
        )
        for place, emotion in enumerate(emotions)
    ]
    return two_faces().model_copy(update={"faces": faces}), labels


def _label(emotion: str, *, flip: bool) -> str:
    return EMOTIONS[(EMOTIONS.index(emotion) + 1) % len(EMOTIONS)] if flip else emotion
