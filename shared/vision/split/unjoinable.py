"""The error of parts that do not fit together. The module imports nothing, as every worker imports it."""


class UnjoinableError(Exception):
    """Parts cannot be joined, and the video has to be analysed in one piece. Internal to the worker."""
