"""`/openapi.json`: this face in OpenAPI 3.1, its schemas generated from the types that read and write the bodies."""

from __future__ import annotations

import functools
from importlib import metadata
from typing import Any, Final

import msgspec

from brivas.actions.send_message import NewMessage
from brivas.limits import MESSAGES_MAX
from brivas_gateways.http.health import Health
from brivas_gateways.http.problem import MEDIA_TYPE, Problem
from brivas_gateways.http.submission import Outcome, Outcomes

_REFERENCE: Final = "#/components/schemas/{name}"


@functools.cache
def document() -> bytes:
    """The whole document."""
    _, schemas = msgspec.json.schema_components(
        [NewMessage, Outcome, Outcomes, Problem, Health], ref_template=_REFERENCE
    )
    schemas["NewMessages"] = {
        "type": "object",
        "properties": {
            "messages": {"type": "array", "items": _ref("NewMessage"), "minItems": 1, "maxItems": MESSAGES_MAX}
        },
        "required": ["messages"],
        "additionalProperties": False,
    }
    schemas["Message"] = {"type": "object", "description": "A message, its state and its history."}
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Brivas", "version": metadata.version("brivas-gateways")},
            "security": [{"bearer": []}, {"key": []}],
            "paths": _paths(),
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer"},
                    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                },
            },
        }
    )


def _paths() -> dict[str, Any]:
    message_id = {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    }
    cancelled = {"204": {"description": "Cancelled: no carrier will get it."}}
    return {
        "/v1/messages": {
            "post": {
                "operationId": "sendMessages",
                "summary": "Hands over one message, or up to 1,000.",
                "parameters": [
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "description": "The same key with the same body sends once in 24 hours.",
                        "schema": {"type": "string", "maxLength": 64},
                    }
                ],
                "requestBody": {
                    "required": True,
                    "content": _json({"anyOf": [_ref("NewMessage"), _ref("NewMessages")]}),
                },
                "responses": {
                    "202": {
                        "description": "Taken over, as durable as the account asks.",
                        "content": _json({"anyOf": [_ref("Outcome"), _ref("Outcomes")]}),
                    }
                }
                | _problems(400, 401, 413, 415, 422, 429, 503, 504),
            }
        },
        "/v1/messages/{id}": {
            "parameters": [message_id],
            "get": {
                "operationId": "getMessage",
                "summary": "A message's state and history.",
                "responses": {"200": {"description": "The message.", "content": _json(_ref("Message"))}}
                | _problems(401, 404, 503, 504),
            },
            "delete": {
                "operationId": "cancelMessage",
                "summary": "Cancels a message that no carrier has taken yet.",
                "responses": cancelled | _problems(401, 404, 409, 503, 504),
            },
        },
        "/health/ready": {
            "get": {
                "operationId": "ready",
                "security": [],
                "responses": {
                    "200": {"description": "Messages are taken.", "content": _json(_ref("Health"))},
                    "503": {"description": "They are not, and why.", "content": _json(_ref("Health"))},
                },
            }
        },
    }


def _problems(*statuses: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": _ref("Problem")}}
    return {str(status): {"description": "A problem (RFC 9457).", "content": content} for status in statuses}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=name)}
