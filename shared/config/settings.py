"""Every setting of the service, with its default and its meaning. docs/settings.md is generated from this module."""

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from duygu.shared.paths import IS_CHECKOUT, ROOT
from duygu.shared.runtime.telemetry.logs import LogFormat

MB = 1_000_000

LONGEST_RESULT_TTL = 10 * 365 * 24 * 3600
"""Seconds: ten years. A longer time could exceed the range of a date and make every job fail."""

SECRETS_DIR = "/run/secrets"
"""Where Docker mounts secrets, and where Kubernetes mounts them by convention."""


def _redis_address(address: str) -> str:
    """Reject an address that redis-py could not connect to."""
    parts = urlsplit(address)
    try:
        known = not address or (parts.scheme in ("redis", "rediss", "unix") and parts.port != 0)
    except ValueError:  # an invalid port
        known = False
    if not known:
        raise ValueError("expected redis://host:port/0, rediss://host:port/0 or unix:///path")
    return address


def _host_names(names: str) -> str:
    """Reject what cannot occur in a `Host` header."""
    for name in _listed(names):
        if "/" in name or name.count(":") == 1 or name.startswith("["):
            raise ValueError(f"expected host names without scheme, path and port, as duygu.example.org, not `{name}`")
    return names


def _listed(text: str) -> tuple[str, ...]:
    """The parts of a comma-separated text."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


RedisAddress = Annotated[str, AfterValidator(_redis_address)]


class Settings(BaseSettings):
    """Settings from environment variables with the prefix DUYGU_ (REDIS_URL has none), or from files of that name."""

    model_config = SettingsConfigDict(
        env_prefix="DUYGU_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )

    host: str = "127.0.0.1"
    """Address on which the API listens."""

    workers: Annotated[int, Field(ge=0)] = 1
    """Number of video workers that `duygu serve` starts. 0: workers are started separately."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port on which the API listens. 0: a free port."""

    redis_url: Annotated[RedisAddress, Field(validation_alias="REDIS_URL", repr=False)] = ""
    """Redis or Valkey server, for example redis://host:port/0. Empty: an embedded Valkey is started."""

    data_dir: Path = ROOT / "data" if IS_CHECKOUT else user_data_path("duygu", appauthor=False)
    """Folder for uploads, results and the files of the embedded Valkey. Default of an installed package: the user's
    data folder, `~/.local/share/duygu` on Linux and `~/Library/Application Support/duygu` on macOS."""

    storage_url: str = ""
    """Storage of uploads and results: a folder that API and workers share, or s3://bucket/prefix, which needs the extra
    `s3`. Empty: the folder `jobs` in `DUYGU_DATA_DIR`."""

    secrets_dir: Path = Path(SECRETS_DIR)
    """Folder of secret files. A file named like one of these variables, in lower or upper case, such as `redis_url`,
    provides the value where the variable is not set. The folder may be missing."""

    engine: Literal["onnx", "reference"] = "onnx"
    """Inference engine. `onnx`: ONNX Runtime; `reference`: facenet-pytorch and the Keras model."""

    model: Path = ROOT / "models" / "emotion"
    """Model folder, as written by `python -m training.export`."""

    mtcnn: Path = ROOT / "models" / "mtcnn"
    """Folder with the three networks of the face detector MTCNN."""

    movements: Path = ROOT / "models" / "movements"
    """Folder of the network for facial movements, as written by `python -m training.movements`. It may be missing."""

    neutral: Literal["on", "off"] = "on"
    """`off` reports the six emotions without neutral. `uncertain` is still computed over all labels of the model."""

    min_face: Annotated[float, Field(gt=0, le=1)] = 0.06
    """Minimum size of a detected face, as a share of the shorter side of the frame."""

    uncertain_below: Annotated[float | None, Field(ge=0, le=1)] = None
    """Confidence below which a window is `uncertain`, in place of the model's own threshold, for example one that
    `duygu agree` found on labels of your own video."""

    max_faces: Annotated[int, Field(gt=0, le=1000)] = 32
    """Maximum number of faces tracked at the same time in a video or a live session. The faces with the highest
    detection scores are tracked. Memory and time per frame grow with this number."""

    threads: Annotated[int, Field(ge=0)] = 0
    """Threads of the engine in each worker. 0: one per CPU core."""

    keys_file: Path | None = None
    """File of API keys, as written by `duygu keys add`. It is reloaded when it changes. Empty: every client may use
    every endpoint."""

    webhook_secret: Annotated[str, Field(repr=False, pattern="^(whsec_[A-Za-z0-9+/]{32,88}={0,2})?$")] = ""
    """Secret that signs webhooks: `whsec_` and 24 to 64 random bytes in base64. Empty: webhooks are disabled."""

    webhook_networks: str = ""
    """Private networks to which webhooks may be sent, also without TLS, for example 10.1.0.0/16. Comma-separated."""

    links: bool = True
    """Whether videos may be submitted as links, which a worker for videos fetches. It needs a route to the outside."""

    link_networks: str = ""
    """Private networks from which links may be fetched, also without TLS, for example 10.1.0.0/16. Comma-separated."""

    link_http: bool = False
    """Whether links to public addresses may be http, which anybody on the way can read and change."""

    link_buckets: str = ""
    """Buckets whose objects may be submitted as links, for example `recordings` or `recordings/incoming` for
    `s3://recordings/incoming/…`. Comma-separated. They are read with the address and credentials of the AWS_ variables,
    by every client that may submit. Empty: links with s3:// are refused."""

    link_timeout_s: Annotated[float, Field(gt=0)] = 900
    """Maximum time for fetching a link, retries included, in seconds. It counts towards `DUYGU_JOB_TIMEOUT_S`."""

    allow_anonymous: bool = False
    """Permit listening on addresses other than loopback without API keys."""

    allowed_hosts: Annotated[str, AfterValidator(_host_names)] = ""
    """Without API keys: accepted `Host` names and addresses besides loopback and `DUYGU_HOST`, for example
    duygu.example.org. Comma-separated; `*` accepts every host. With API keys every host is accepted."""

    cors_origins: str = ""
    """Origins whose pages may call the API from a browser (CORS). Comma-separated. Empty: none."""

    body_timeout_s: Annotated[float, Field(gt=0)] = 30
    """Maximum pause in an upload, in seconds. Beyond this time an upload must average at least 10 kB per second."""

    min_free_mb: Annotated[float, Field(ge=0)] = 500
    """Disk space that must stay free when an upload is accepted, in megabytes."""

    max_upload_mb: Annotated[float, Field(gt=0)] = 500
    """Maximum size of an upload, in megabytes of 1,000,000 bytes."""

    upload_ttl: Annotated[int, Field(gt=0)] = 24 * 3600
    """Seconds without a byte after which a resumable upload that has not become a job is erased."""

    max_duration_s: Annotated[float, Field(gt=0)] = 3 * 3600
    """Maximum length of a video, in seconds of presentation time."""

    max_pixels: Annotated[int, Field(gt=0)] = 4096 * 2304
    """Maximum number of pixels in a frame of a video."""

    decoder_memory_mb: Annotated[int, Field(gt=0)] = 1500
    """Maximum address space of the decoding process, in megabytes."""

    max_queued: Annotated[int, Field(gt=0)] = 100
    """Maximum number of queued jobs, and of resumable uploads that have not become a job. A further upload is refused
    with 503."""

    log_format: LogFormat = "text"
    """Format of the log. `json` writes one object per line, with the ids of requests and jobs."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Minimum severity of log messages."""

    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port for the Prometheus metrics of a worker. 0: none. The workers of `duygu serve` use this port and the
    following ones."""

    metrics_host: str = "127.0.0.1"
    """Address on which a worker serves its Prometheus metrics."""

    job_timeout_s: Annotated[int, Field(gt=0)] = 3600
    """Maximum running time of a job, in seconds."""

    split_minutes: Annotated[float | None, Field(gt=0)] = None
    """Longest video in minutes that one video worker analyses alone. A longer one is cut into equal parts of at most
    this length, which all video workers analyse at the same time. Unset: no video is cut."""

    shutdown_grace_s: Annotated[float, Field(ge=0)] = 5.0
    """Seconds for which a stopping worker continues its running job. After that another worker repeats the job."""

    stream_workers: Annotated[int, Field(ge=0)] = 1
    """Number of live workers that `duygu serve` starts."""

    stream_redis_url: Annotated[RedisAddress, Field(repr=False)] = ""
    """Redis or Valkey server for the frames of live sessions; it should not persist data. Empty: the server of
    `REDIS_URL` or, where that is empty too, an embedded Valkey without persistence."""

    stream_sessions: Annotated[int, Field(gt=0)] = 200
    """Maximum number of open live sessions, over all API keys."""

    stream_max_frame_mb: Annotated[float, Field(gt=0, le=15)] = 4
    """Maximum size of a live frame, in megabytes of 1,000,000 bytes."""

    stream_max_pixels: Annotated[int, Field(gt=0)] = 2560 * 1440
    """Maximum number of pixels in a live frame."""

    stream_max_waiting: Annotated[int, Field(gt=0, le=50)] = 4
    """Maximum number of frames of a live session that wait for a worker. A further frame drops the oldest."""

    stream_idle_s: Annotated[float, Field(gt=0, le=100)] = 60
    """Seconds without a message after which a live session is closed."""

    pictures_max_mb: Annotated[float, Field(gt=0, le=100)] = 50
    """Maximum size of a request with pictures, in megabytes of 1,000,000 bytes."""

    pictures_max_count: Annotated[int, Field(gt=0, le=1000)] = 20
    """Maximum number of pictures in one request."""

    picture_max_pixels: Annotated[int, Field(gt=0)] = 50_000_000
    """Maximum number of pixels in a picture."""

    pictures_max_waiting: Annotated[int, Field(gt=0)] = 64
    """Maximum number of pictures that wait for a live worker, over all API processes. A further one is refused with
    503."""

    result_ttl: Annotated[int, Field(gt=0, le=LONGEST_RESULT_TTL)] = 24 * 3600
    """Seconds for which a job and its result are kept after the job has ended; at most ten years. Jobs that a client
    keeps do not expire."""

    keep: Literal["auto", "on", "off"] = "auto"
    """Whether results are kept until they are deleted: `auto` keeps them where there are neither API keys nor a Redis
    address, as on a laptop."""

    max_kept: Annotated[int, Field(ge=0)] = 1000
    """Maximum number of jobs that a client may keep; `jobs_kept` is the same for one API key. Jobs that `keep` keeps
    are not limited."""

    max_studies: Annotated[int, Field(ge=0)] = 200
    """Maximum number of studies that a client may keep; `studies` is the same for one API key."""

    keep_uploads: bool = False
    """Whether the uploaded video is kept with its result, so that pages can play it and annotated videos can be made
    again."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Sources of settings in descending priority; the folder of secrets is itself a setting."""
        folder = Path(os.environ.get("DUYGU_SECRETS_DIR", SECRETS_DIR))
        secrets = SecretsSettingsSource(settings_cls, folder if folder.is_dir() else None)
        return init_settings, env_settings, secrets

    @property
    def allowed_host_names(self) -> frozenset[str]:
        """The names in `allowed_hosts`, in lower case."""
        return frozenset(name.lower().removesuffix(".") for name in _listed(self.allowed_hosts))

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins in `cors_origins`."""
        return _listed(self.cors_origins)

    @property
    def keeps_results(self) -> bool:
        """Whether new jobs are kept."""
        return self.keep == "on" or (self.keep == "auto" and not self.redis_url and self.keys_file is None)

    @property
    def webhooks(self) -> bool:
        """Whether webhooks are enabled."""
        return bool(self.webhook_secret)

    def environment(self, *, secrets: bool = True) -> dict[str, str]:
        """These settings as environment variables, for a child process.

        secrets  whether to include passwords and keys; the environment of a process is readable by its user
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
        """Maximum size of an upload, in bytes."""
        return int(self.max_upload_mb * MB)


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
