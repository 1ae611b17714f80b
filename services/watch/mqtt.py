"""Publishes what cameras show to an MQTT 5 broker, with discovery by Home Assistant."""

import json
import logging
import threading
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, MQTTMessageInfo, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties

from duygu.services.watch.sinks import NoSink
from duygu.shared.errors import ConfigurationError
from duygu.shared.live.messages import FrameResult, LiveFace
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.version import VERSION

logger = logging.getLogger(__name__)

REPLY_S = 10.0
"""Longest wait for the broker's reply to the first connection."""

PORTS = {"mqtt": 1883, "mqtts": 8883}

DISCOVERY = "homeassistant/device/duygu_{camera}/config"

AT_LEAST_ONCE = 1

NO_EMOTION = "none"
"""State of the emotion while no face is visible, or while it is uncertain."""


def make_client(url: str) -> tuple[Client, str, int]:
    """A client that is not connected yet, and host and port of its broker. Raises ConfigurationError."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ConfigurationError("an MQTT broker needs a URL such as mqtt://user:password@host:1883")
    try:
        port = parts.port or PORTS[parts.scheme]
    except ValueError as error:
        raise ConfigurationError(f"the URL of the MQTT broker {parts.hostname} has no valid port") from error
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    if parts.username:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    if parts.scheme == "mqtts":
        client.tls_set()
    return client, parts.hostname, port


class MqttPublisher(NoSink):
    """Topics below `PREFIX/CAMERA`: `state` (JSON, retained) whenever it changes, and `available`.

    The broker marks every camera as offline if the connection breaks. The connection is opened again by itself; then
    the last states are published again.
    """

    def __init__(
        self,
        url: str,
        prefix: str = "duygu",
        only_camera: str | None = None,
        on_state: Callable[[str], None] = logger.warning,
    ) -> None:
        """Connect to a broker.

        only_camera  name of the only camera of this connection, whose state is then no topic that others share
        on_state     receives a message when the connection is lost, and when it is back

        Raises ConfigurationError for an invalid URL, or if the broker refuses the connection or does not respond.
        """
        self._client, host, port = make_client(url)
        self._prefix = prefix
        self._connection = f"{prefix}/{only_camera}/connected" if only_camera else f"{prefix}/available"
        self._states: dict[str, str] = {}
        self._configurations: dict[str, str] = {}
        self._online: set[str] = set()
        self._reconnects = self._is_lost = self._is_closing = False
        self._on_state = on_state
        self._host, self._replied, self._refusal = host, threading.Event(), ""
        self._client.will_set(self._connection, "offline", AT_LEAST_ONCE, retain=True)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        try:
            self._client.connect(host, port)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"the MQTT broker {host} cannot be reached: {error}") from error
        self._client.loop_start()
        self._require_acceptance()

    def _require_acceptance(self) -> None:
        if self._replied.wait(REPLY_S) and not self._refusal:
            return
        self._client.disconnect()
        self._client.loop_stop()
        problem = f"refuses the connection: {self._refusal}" if self._refusal else f"has not responded in {REPLY_S:g} s"
        raise ConfigurationError(f"the MQTT broker {self._host} {problem}")

    def opened(self, camera: str, model: ModelInfo) -> None:
        """Announce the entities of a camera."""
        self._configurations[camera] = json.dumps(discovery(camera, self._prefix, self._connection, model))
        self._publish(DISCOVERY.format(camera=camera), self._configurations[camera])
        self._set_online(camera)

    def frame(self, camera: str, message: FrameResult) -> None:
        """Publish the state if it changed. After an interruption of the stream, the camera is online again."""
        self._set_online(camera)
        state = json.dumps(state_of(message))
        if self._states.get(camera) != state:
            self._states[camera] = state
            self._publish(f"{self._prefix}/{camera}/state", state)

    def lost(self, camera: str) -> None:
        """Mark the camera as offline."""
        self._states.pop(camera, None)
        self._online.discard(camera)
        self._publish(f"{self._prefix}/{camera}/available", "offline")

    def close(self) -> None:
        """Mark all cameras as offline and disconnect, after everything was sent."""
        self._is_closing = True
        last = self._publish(self._connection, "offline")
        last.wait_for_publish(timeout=2)
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(
        self, client: Client, _data: object, _flags: object, reason: object, _more: Properties | None
    ) -> None:
        """Mark the service as online; after another connection than the first, repeat the retained messages."""
        if getattr(reason, "is_failure", False):
            self._refusal = str(reason)
            logger.warning("the MQTT broker %s refuses the connection: %s", self._host, reason)
            self._replied.set()
            return
        self._replied.set()
        self._publish(self._connection, "online")
        if not self._reconnects:
            self._reconnects = True  # what was published before the first connection is in the queue of the client
            return
        if self._is_lost:
            self._is_lost = False
            self._on_state(f"the MQTT broker {self._host} is connected again")
        for camera, configuration in list(self._configurations.items()):
            self._publish(DISCOVERY.format(camera=camera), configuration)
        for camera, state in list(self._states.items()):
            self._publish(f"{self._prefix}/{camera}/state", state)
        for camera in list(self._online):
            self._publish(f"{self._prefix}/{camera}/available", "online")

    def _disconnected(self, _client: Client, _data: object, _flags: object, reason: object, _more: object) -> None:
        """Report a lost connection, once until it is back."""
        if self._reconnects and not self._is_closing and not self._is_lost:
            self._is_lost = True
            self._on_state(f"the connection to the MQTT broker {self._host} is lost: {reason}; connecting again")

    def _set_online(self, camera: str) -> None:
        if camera not in self._online:
            self._online.add(camera)
            self._publish(f"{self._prefix}/{camera}/available", "online")

    def _publish(self, topic: str, text: str) -> MQTTMessageInfo:
        return self._client.publish(topic, text, AT_LEAST_ONCE, retain=True)


def state_of(message: FrameResult) -> dict[str, object]:
    """Number of people, and the emotion of the one with the largest face."""
    known = [face for face in message.faces if face.emotion is not None]
    nearest = max(known, key=_area, default=None)
    uncertain = nearest is not None and bool(nearest.uncertain)
    return {
        "people": len(message.faces),
        "emotion": NO_EMOTION if nearest is None or uncertain else nearest.emotion,
        "uncertain": "ON" if uncertain else "OFF",
    }


def discovery(camera: str, prefix: str, connection: str, model: ModelInfo) -> dict[str, object]:
    """The configuration message of Home Assistant for one camera, a device with three entities.

    connection  topic with the state of the connection to the broker
    """
    topic = f"{prefix}/{camera}/state"

    def entity(platform: str, name: str, key: str, **more: object) -> dict[str, object]:
        return {
            "platform": platform,
            "name": name,
            "unique_id": f"duygu_{camera}_{key}",
            "value_template": f"{{{{ value_json.{key} }}}}",
            **more,
        }

    return {
        "device": {"identifiers": [f"duygu_{camera}"], "name": f"Duygu {camera}", "manufacturer": "Duygu"},
        "origin": {"name": "duygu", "sw_version": VERSION},
        "state_topic": topic,
        "availability_mode": "all",
        "availability": [{"topic": connection}, {"topic": f"{prefix}/{camera}/available"}],
        "qos": AT_LEAST_ONCE,
        "components": {
            "people": entity("sensor", "People in view", "people", state_class="measurement"),
            "emotion": entity(
                "sensor", "Dominant emotion", "emotion", device_class="enum", options=[*model.labels, NO_EMOTION]
            ),
            "uncertain": entity("binary_sensor", "Uncertain", "uncertain"),
        },
    }


def _area(face: LiveFace) -> float:
    if not face.positions:
        return 0.0
    _, _, width, height = face.positions[-1].box
    return float(width * height)
