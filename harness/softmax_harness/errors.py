"""The errors this package raises on purpose: each says what was given, expected, and to do."""


class HarnessError(Exception):
    """A request that cannot be met as it was made; the command prints it and exits with 2."""


class UnknownName(HarnessError):
    """A name of an implementation, family, format or suite that does not exist."""


class BadData(HarnessError):
    """A file or array that does not hold what was asked for."""


class BadFolder(HarnessError):
    """A folder that cannot be read or must not be written."""


class BadImplementation(HarnessError):
    """Something given as an implementation that cannot be loaded or called as one."""


class FloatingPointEnvironment(RuntimeError):
    """The process that computes the truth rounds otherwise than to nearest, or flushes subnormals."""
