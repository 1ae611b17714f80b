"""`python -m duygu` is `duygu`."""

from duygu.services.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
