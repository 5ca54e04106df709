"""The example's own check: a FastAPI application answers a request, in memory, without a server."""

import asyncio

import fastapi
import pydantic
import uvicorn
import yaml


class Item(pydantic.BaseModel):
    name: str
    price: float


app = fastapi.FastAPI()


@app.post("/items")
def add(item: Item) -> dict[str, object]:
    return {"name": item.name, "total": item.price * 2}


async def post(path: str, body: bytes) -> tuple[int, bytes]:
    sent: list[dict] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": path,
        "raw_path": path.encode(), "query_string": b"", "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip

    async def receive() -> dict:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


status, answer = asyncio.run(post("/items", b'{"name": "tea", "price": 2.5}'))
assert (status, yaml.safe_load(answer)) == (200, {"name": "tea", "total": 5.0}), (status, answer)
assert asyncio.run(post("/items", b"{}"))[0] == 422, "a body without the required fields must be refused"
assert uvicorn.Config(app).loaded is False
