"""Array types that several parts of training share."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
"""Indices, for example of labels or clips."""

Names = npt.NDArray[np.str_]
"""Names of people or recordings, one for each clip."""

Probabilities = npt.NDArray[np.float64]
"""Probabilities or figures derived from them, in double precision."""
