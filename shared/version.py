"""The version of Duygu: the package, the API and the images take theirs from here."""

VERSION = "0.1.0"
