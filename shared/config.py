"""Every setting of the service, with its default and its meaning. docs/settings.md is generated from here."""

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from duygu.shared.telemetry.logs import LogFormat

ROOT = Path(__file__).resolve().parent.parent
MB = 1_000_000

LONGEST_RESULT_TTL = 10 * 365 * 24 * 3600
"""Seconds: ten years. Dates beyond what a date can hold would end every job with an error."""

SECRETS_DIR = "/run/secrets"
"""Where Docker and, by habit, Kubernetes put what programs shall know and environments shall not show."""


def _redis_address(address: str) -> str:
    """Refuse what redis-py could not connect to."""
    parts = urlsplit(address)
    try:
        known = not address or (parts.scheme in ("redis", "rediss", "unix") and parts.port != 0)
    except ValueError:  # a port that is none
        known = False
    if not known:
        raise ValueError("name it as redis://host:port/0, rediss://host:port/0 or unix:///path")
    return address


def _host_names(names: str) -> str:
    """Refuse what no `Host` header could be."""
    for name in _listed(names):
        if "/" in name or name.count(":") == 1 or name.startswith("["):
            raise ValueError(f"name hosts without scheme, path and port, as duygu.example.org; `{name}` is none")
    return names


def _listed(text: str) -> tuple[str, ...]:
    """The parts of a text that commas separate."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


RedisAddress = Annotated[str, AfterValidator(_redis_address)]


class Settings(BaseSettings):
    """Read from the environment, with the prefix DUYGU_ (REDIS_URL has none), or else from files named like that."""

    model_config = SettingsConfigDict(
        env_prefix="DUYGU_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )

    host: str = "127.0.0.1"
    """Address that the API listens on."""

    workers: Annotated[int, Field(ge=0)] = 1
    """Worker processes for videos that `duygu serve` starts; 0 where workers are started otherwise."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port that the API listens on; 0 takes a free one."""

    redis_url: Annotated[RedisAddress, Field(validation_alias="REDIS_URL", repr=False)] = ""
    """Redis or Valkey server, as redis://host:port/0. Empty: an embedded Valkey is started."""

    data_dir: Path = ROOT / "data"
    """Folder for uploads, results and the embedded Valkey's files."""

    storage_url: str = ""
    """Where uploads and results lie: a folder that API and workers share, or s3://bucket/prefix, which needs the extra
    `s3`. Empty: the folder `jobs` in `DUYGU_DATA_DIR`."""

    secrets_dir: Path = Path(SECRETS_DIR)
    """Folder with files that are named like these variables, in small or capital letters, such as `redis_url`: what a
    file holds is taken where the variable is not set. It need not exist."""

    engine: Literal["onnx", "reference"] = "onnx"
    """`onnx` runs everything in ONNX Runtime; `reference` runs facenet-pytorch and the Keras model themselves."""

    model: Path = ROOT / "models" / "emotion"
    """Model folder that answers, as `python -m training.export` makes it."""

    mtcnn: Path = ROOT / "models" / "mtcnn"
    """Folder with the face detector's three networks."""

    neutral: Literal["on", "off"] = "on"
    """`off`: answer with the six emotions alone. `uncertain` is still decided over all labels of the model."""

    min_face: Annotated[float, Field(gt=0, le=1)] = 0.06
    """Smallest face that is looked for, as a share of the frame's shorter side."""

    max_faces: Annotated[int, Field(gt=0, le=1000)] = 32
    """Most faces that are followed at the same time, of a video or of a live session; of more, those that are found
    with the best scores. Memory and time for one picture grow with it."""

    threads: Annotated[int, Field(ge=0)] = 0
    """Threads of the engine in one worker; 0 takes one for each core."""

    keys_file: Path | None = None
    """File with the API keys, as `duygu keys add` makes it; it is read again when it changes. Without one everybody
    may do everything."""

    webhook_secret: Annotated[str, Field(repr=False, pattern="^(whsec_[A-Za-z0-9+/]{32,88}={0,2})?$")] = ""
    """Signs webhooks: `whsec_` and 24 to 64 random bytes in base64. Empty: there are no webhooks."""

    webhook_networks: str = ""
    """Networks that are not public and that webhooks may go to all the same, also without TLS, as 10.1.0.0/16,
    separated by commas."""

    allow_anonymous: bool = False
    """Serve addresses other than this machine's own without API keys."""

    allowed_hosts: Annotated[str, AfterValidator(_host_names)] = ""
    """Where there are no API keys: names and addresses, besides those of this machine alone and `DUYGU_HOST`, that
    requests may be addressed to, separated by commas, as duygu.example.org; `*` for all. Keys make every name good."""

    cors_origins: str = ""
    """Origins whose pages may call the API from a browser, separated by commas; none by default."""

    body_timeout_s: Annotated[float, Field(gt=0)] = 30
    """Longest pause in an upload, in seconds; beyond it, an upload has to come with at least 10 kB a second."""

    min_free_mb: Annotated[float, Field(ge=0)] = 500
    """Room that has to be left on the disk for an upload to be taken, in megabytes."""

    max_upload_mb: Annotated[float, Field(gt=0)] = 500
    """Largest upload, in megabytes of 1,000,000 bytes."""

    max_duration_s: Annotated[float, Field(gt=0)] = 3 * 3600
    """Longest video, in seconds of presentation time."""

    max_pixels: Annotated[int, Field(gt=0)] = 4096 * 2304
    """Most pixels in one picture of a video."""

    decoder_memory_mb: Annotated[int, Field(gt=0)] = 1500
    """Address space that the decoding process may use, in megabytes."""

    max_queued: Annotated[int, Field(gt=0)] = 100
    """Jobs that may wait; one more is answered 503."""

    log_format: LogFormat = "text"
    """`json` writes one object a line, with the ids of requests and jobs."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is worth a line in the log."""

    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port on which a worker answers Prometheus; 0 for none. `duygu serve` gives its workers this port and the next."""

    metrics_host: str = "127.0.0.1"
    """Address of that port."""

    job_timeout_s: Annotated[int, Field(gt=0)] = 3600
    """Longest time that one job may run."""

    shutdown_grace_s: Annotated[float, Field(ge=0)] = 5.0
    """Seconds that a worker which is told to stop gives its running job; after that another worker does the job."""

    stream_workers: Annotated[int, Field(ge=0)] = 1
    """Worker processes for live sessions that `duygu serve` starts."""

    stream_redis_url: Annotated[RedisAddress, Field(repr=False)] = ""
    """Redis or Valkey server for the frames of live sessions; it should keep nothing on disk. Empty: the one of
    `REDIS_URL` or, where that is empty too, an embedded Valkey that keeps everything in memory."""

    stream_sessions: Annotated[int, Field(gt=0)] = 200
    """Live sessions that may be open at the same time, of all keys together."""

    stream_max_frame_mb: Annotated[float, Field(gt=0, le=15)] = 4
    """Largest picture of a live session, in megabytes of 1,000,000 bytes."""

    stream_max_pixels: Annotated[int, Field(gt=0)] = 2560 * 1440
    """Most pixels in one picture of a live session."""

    stream_max_waiting: Annotated[int, Field(gt=0, le=50)] = 4
    """Frames of a live session that wait for a worker; one more drops the oldest."""

    stream_idle_s: Annotated[float, Field(gt=0, le=100)] = 60
    """A live session from which nothing comes for so many seconds is closed."""

    result_ttl: Annotated[int, Field(gt=0, le=LONGEST_RESULT_TTL)] = 24 * 3600
    """Seconds after its end for which a job and its result are kept; ten years at most."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where settings come from, the strongest first; the folder of secrets is itself a setting."""
        folder = Path(os.environ.get("DUYGU_SECRETS_DIR", SECRETS_DIR))
        secrets = SecretsSettingsSource(settings_cls, folder if folder.is_dir() else None)
        return init_settings, env_settings, secrets

    @property
    def allowed_host_names(self) -> frozenset[str]:
        """The names in `allowed_hosts`, in small letters."""
        return frozenset(name.lower().removesuffix(".") for name in _listed(self.allowed_hosts))

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins in `cors_origins`."""
        return _listed(self.cors_origins)

    @property
    def webhooks(self) -> bool:
        """Whether webhooks can be asked for."""
        return bool(self.webhook_secret)

    def environment(self, *, secrets: bool = True) -> dict[str, str]:
        """These settings as environment variables, for a child process.

        secrets  whether passwords and keys are among them, which anybody who may look at the process can read there
        """
        prefix = self.model_config.get("env_prefix", "")
        fields = type(self).model_fields
        values = self.model_dump(mode="json", exclude_none=True)
        return {
            str(fields[name].validation_alias or f"{prefix}{name}".upper()): str(value)
            for name, value in values.items()
            if secrets or fields[name].repr
        }

    @property
    def max_upload_bytes(self) -> int:
        """Largest upload, in bytes."""
        return int(self.max_upload_mb * MB)


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
