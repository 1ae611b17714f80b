"""Samples of every call in curl, Python and TypeScript, as `x-codeSamples` of the OpenAPI document."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ADDRESS = "http://127.0.0.1:8000"

PARAMETER = re.compile(r"\{(\w+)\}")

VALUES = {"rater": "anna"}
"""Values of path parameters. Any other one has its name in capitals."""

TUS = {"Tus-Resumable": "1.0.0"}

BYTES = {"Content-Type": "application/octet-stream"}

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class CallSample:
    """What a call is made with, besides its path.

    form        name of the field and of the file
    file        whose bytes are the body
    returns     `json`, `text`, `nothing`, or the name of a file for the response
    typescript  the statements in TypeScript, where the client has a method for them
    """

    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: tuple[str, str] | None = None
    file: str = ""
    returns: str = "json"
    typescript: str = ""


EDIT = {"op": "rename", "face_id": 1, "name": "Ann"}

LABELS = [{"face_id": 1, "start_s": 0.2, "end_s": 0.9, "emotion": "happiness"}]

STUDY = {"title": "Pilot", "rows": [{"job_id": "JOB_ID", "participant": "P01"}]}

SAMPLES = {
    "POST /v1/videos": CallSample(
        form=("video", "clip.mp4"),
        typescript="""\
const result = await service.analyze(await openAsBlob("clip.mp4"), { max_faces: 4 });
console.log(result.faces);""",
    ),
    "POST /v1/pictures": CallSample(
        form=("picture", "picture.jpg"),
        typescript="""\
const { faces } = await service.analyzePicture(await openAsBlob("picture.jpg"));
console.log(faces);""",
    ),
    "OPTIONS /v1/uploads": CallSample(returns="nothing"),
    "POST /v1/uploads": CallSample(
        headers=TUS | {"Upload-Length": "10000"},
        returns="nothing",
        typescript="""\
const upload_id = await service.upload(await openAsBlob("clip.mp4"));
console.log(upload_id);""",
    ),
    "PATCH /v1/uploads/{upload_id}": CallSample(
        headers=TUS | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
        file="clip.mp4",
        returns="nothing",
        typescript="""\
const upload_id = await service.upload(await openAsBlob("clip.mp4"), { uploadId: "UPLOAD_ID" });
console.log(upload_id);""",
    ),
    "DELETE /v1/uploads/{upload_id}": CallSample(headers=TUS, returns="nothing"),
    "GET /v1/jobs": CallSample(query={"limit": 5}),
    "POST /v1/jobs": CallSample(
        query={"title": "clip"},
        headers=JSON,
        file="result.json",
        typescript="""\
const result = JSON.parse(await (await openAsBlob("result.json")).text());
console.log(await service.call("POST /v1/jobs", { query: { title: "clip" }, body: result }));""",
    ),
    "PATCH /v1/jobs/{job_id}": CallSample(json={"title": "An interview"}),
    "DELETE /v1/jobs/{job_id}": CallSample(returns="nothing"),
    "GET /v1/jobs/{job_id}/events": CallSample(
        returns="text",
        typescript="""\
for await (const { event, data } of service.events("JOB_ID")) console.log(event, data);""",
    ),
    "GET /v1/jobs/{job_id}/result": CallSample(
        query={"format": "csv"},
        returns="text",
        typescript="""\
const result = await service.result("JOB_ID");
const table = await service.export("JOB_ID", "csv");
console.log(result.faces, await table.text());""",
    ),
    "POST /v1/jobs/{job_id}/edits": CallSample(json=EDIT),
    "PUT /v1/jobs/{job_id}/labels/{rater}": CallSample(json=LABELS),
    "POST /v1/jobs/{job_id}/labels/{rater}/import": CallSample(headers=BYTES, file="labels.csv"),
    "GET /v1/jobs/{job_id}/labels/{rater}/task": CallSample(query={"minutes": 5}),
    "GET /v1/jobs/{job_id}/video": CallSample(returns="copy.mp4"),
    "GET /v1/jobs/{job_id}/agreement": CallSample(query={"target_accuracy": 0.9}),
    "POST /v1/studies": CallSample(json=STUDY),
    "GET /v1/studies/export": CallSample(query={"jobs": "JOB_ID"}, returns="study.zip"),
    "PUT /v1/studies/{study_id}": CallSample(json=STUDY),
    "DELETE /v1/studies/{study_id}": CallSample(returns="nothing"),
    "GET /v1/studies/{study_id}/export": CallSample(returns="study.zip"),
    "DELETE /v1/studies/{study_id}/export": CallSample(returns="nothing"),
    "GET /metrics": CallSample(returns="text"),
}
"""Samples of the calls that need more than a path."""


def add_samples(document: dict[str, Any]) -> None:
    """Add `x-codeSamples` to every operation of an OpenAPI document."""
    for path, operations in document["paths"].items():
        for method, about in operations.items():
            name = f"{method.upper()} {path}"
            about["x-codeSamples"] = samples_of(name, SAMPLES.get(name, CallSample()))


def samples_of(name: str, sample: CallSample) -> list[dict[str, str]]:
    """The samples of a call, as `lang`, `label` and `source`."""
    method, _, path = name.partition(" ")
    return [
        {"lang": "Shell", "label": "curl", "source": _curl(method, path, sample)},
        {"lang": "Python", "label": "Python", "source": _python(method, path, sample)},
        {"lang": "TypeScript", "label": "TypeScript", "source": _typescript(name, path, sample)},
    ]


def _url(path: str) -> str:
    return ADDRESS + PARAMETER.sub(lambda found: _value(found[1]), path)


def _value(parameter: str) -> str:
    return VALUES.get(parameter, parameter.upper())


def _curl(method: str, path: str, sample: CallSample) -> str:
    has_body = sample.form or sample.file or sample.json is not None
    options = [] if method == ("POST" if has_body else "GET") else ["-X", method]
    for name, value in sample.headers.items():
        options += ["-H", f"{name}: {value}"]
    if sample.form:
        options += ["-F", "{}=@{}".format(*sample.form)]
    if sample.file:
        options += ["--data-binary", f"@{sample.file}"]
    if sample.json is not None:
        options += ["--json", json.dumps(sample.json)]
    if "." in sample.returns:
        options += ["-o", sample.returns]
    query = "&".join(f"{name}={value}" for name, value in sample.query.items())
    return shlex.join(["curl", *options, f"{_url(path)}?{query}" if query else _url(path)])


def _python(method: str, path: str, sample: CallSample) -> str:
    arguments = [json.dumps(method), json.dumps(_url(path))]
    if sample.query:
        arguments.append(f"params={_literal(sample.query)}")
    if sample.headers:
        arguments.append(f"headers={_literal(sample.headers)}")
    if sample.json is not None:
        arguments.append(f"json={_literal(sample.json)}")
    if sample.form:
        arguments.append(f'files={{"{sample.form[0]}": file}}')
    if sample.file:
        arguments.append("content=file.read()")
    lines = [f"response = httpx.request({', '.join(arguments)}, timeout=60)"]
    if name := sample.file or (sample.form and sample.form[1]):
        lines = [f'with open("{name}", "rb") as file:', f"    {lines[0]}"]
    return "\n".join(["import httpx", "", *lines, "response.raise_for_status()", *_python_use(sample.returns)])


def _python_use(returns: str) -> list[str]:
    """What is done with a response."""
    if "." in returns:
        return [f'with open("{returns}", "wb") as file:', "    file.write(response.content)"]
    return {"json": ["print(response.json())"], "text": ["print(response.text)"], "nothing": []}[returns]


def _typescript(name: str, path: str, sample: CallSample) -> str:
    statements = sample.typescript or _typescript_call(name, path, sample)
    opens = ['import { openAsBlob } from "node:fs";'] if "openAsBlob" in statements else []
    start = f'const service = new Duygu({{ url: "{ADDRESS}" }});'
    return "\n".join([*opens, 'import { Duygu } from "duygu";', "", start, statements])


def _typescript_call(name: str, path: str, sample: CallSample) -> str:
    given = {
        "path": {name: _value(name) for name in PARAMETER.findall(path)},
        "query": sample.query,
        "headers": {key: value for key, value in sample.headers.items() if key != "Content-Type"},
        "body": sample.json,
    }
    members = [f"{key}: {_object(value)}" for key, value in given.items() if value]
    if sample.file:
        members.append(f'body: await openAsBlob("{sample.file}")')
    arguments = ", ".join([json.dumps(name), *([f"{{ {', '.join(members)} }}"] if members else [])])
    call = f"await service.call({arguments})"
    return f"{call};" if sample.returns == "nothing" else f"console.log({call});"


def _literal(value: Any) -> str:
    """A value in Python, with double quotes."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{json.dumps(key)}: {_literal(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _object(value: Any) -> str:
    """A value in TypeScript."""
    if isinstance(value, Mapping):
        names = (key if key.isidentifier() else json.dumps(key) for key in value)
        return f"{{ {', '.join(f'{name}: {_object(one)}' for name, one in zip(names, value.values(), strict=True))} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_object, value))}]"
    return json.dumps(value)
