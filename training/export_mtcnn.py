"""Earlier name of `python -m training.onnx.mtcnn`, which it runs."""

import warnings

from duygu.training.onnx.mtcnn import main

if __name__ == "__main__":
    warnings.simplefilter("default", DeprecationWarning)
    warnings.warn(
        "`python -m training.export_mtcnn` is deprecated: run `python -m training.onnx.mtcnn`",
        DeprecationWarning,
        stacklevel=1,
    )
    main()
