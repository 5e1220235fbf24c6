"""From a configuration to what the engine takes: a pure function, the same bytes for the same configuration."""

from __future__ import annotations

from brivas.errors import ConfigError
from brivas.resources.account import Account
from brivas.resources.carrier import Carrier
from brivas.resources.config import Config
from brivas.resources.routing_snapshot import compile_routing
from brivas.resources.secret import SecretRef
from brivas.resources.text import DEFAULT_ALPHABET, LANGUAGE, LONG_MESSAGES
from brivas.v1 import control_pb2

_DURABILITY = {"disk": control_pb2.DURABILITY_DISK, "memory": control_pb2.DURABILITY_MEMORY}
_DELIVERY = {"smpp": control_pb2.DELIVERY_SMPP, "webhook": control_pb2.DELIVERY_WEBHOOK}
_CONSENT = {
    "sender": control_pb2.CONSENT_SCOPE_SENDER,
    "account": control_pb2.CONSENT_SCOPE_ACCOUNT,
    "off": control_pb2.CONSENT_SCOPE_OFF,
}
_BIND_MODE = {
    "transceiver": control_pb2.BIND_MODE_TRANSCEIVER,
    "transmitter": control_pb2.BIND_MODE_TRANSMITTER,
    "receiver": control_pb2.BIND_MODE_RECEIVER,
}
_VERSION = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}


def compile_snapshot(config: Config) -> control_pb2.Snapshot:
    """The engine's snapshot, ordered by name."""
    snapshot = control_pb2.Snapshot(
        accounts=[_account(config, account) for account in config.of(Account)],
        carriers=[_carrier(config, carrier) for carrier in config.of(Carrier)],
    )
    compile_routing(config, snapshot)
    return snapshot


def _account(config: Config, account: Account) -> control_pb2.Account:
    spec = account.spec
    return control_pb2.Account(
        name=account.name,
        system_id=spec.system_id or "",
        password_hash=_password_hash(config, account),
        api_keys=[
            control_pb2.ApiKey(name=key.name, sha256=bytes.fromhex(key.sha256))
            for key in sorted(spec.api_keys, key=lambda key: key.name)
        ],
        binds_max=spec.binds_max,
        window_max=spec.window_max,
        throughput_per_second=spec.throughput_per_second,
        durability=_DURABILITY[spec.durability],
        open_messages_max=spec.open_messages_max,
        validity_default_seconds=spec.validity_default_seconds,
        incoming=_DELIVERY[spec.incoming],
        delivery_retention_seconds=spec.delivery_retention_seconds,
        long_messages=LONG_MESSAGES[spec.long_messages],
        default_alphabet=DEFAULT_ALPHABET[spec.default_alphabet],
        languages=sorted(LANGUAGE[language] for language in spec.languages),
        transliterate=spec.transliterate,
        reassembly_timeout_seconds=spec.reassembly_timeout_seconds,
        tags=spec.tags,
        consent_scope=_CONSENT[spec.consent],
    )


def _password_hash(config: Config, account: Account) -> str:
    value = account.spec.password_hash
    if value is None:
        return ""
    if not isinstance(value, SecretRef):
        return value
    text = config.secret(value).reveal()
    if not text.startswith("$argon2id$"):
        raise ConfigError(
            f"Account {account.name}: {value.describe()} does not hold an argon2id hash",
            hint="it must start with $argon2id$; the password itself is never stored",
        )
    return text


def _carrier(config: Config, carrier: Carrier) -> control_pb2.Carrier:
    spec = carrier.spec
    return control_pb2.Carrier(
        name=carrier.name,
        host=spec.host,
        port=spec.port,
        system_id=spec.system_id,
        password=config.secret(spec.password).reveal() if spec.password else "",
        system_type=spec.system_type,
        bind_mode=_BIND_MODE[spec.bind_mode],
        binds=spec.binds,
        window_max=spec.window_max,
        throughput_per_second=spec.throughput_per_second,
        enquire_link_ms=spec.enquire_link_ms,
        response_timeout_ms=spec.response_timeout_ms,
        reconnect_initial_ms=spec.reconnect_initial_ms,
        reconnect_max_ms=spec.reconnect_max_ms,
        queue_max=spec.queue_max,
        retry_initial_ms=spec.retry_initial_ms,
        retry_max_ms=spec.retry_max_ms,
        long_messages=LONG_MESSAGES[spec.long_messages],
        default_alphabet=DEFAULT_ALPHABET[spec.default_alphabet],
        tags=spec.tags,
        interface_version=_VERSION[spec.interface_version],
        address_range=spec.address_range,
        addr_ton=spec.addr_ton,
        addr_npi=spec.addr_npi,
        window_min=spec.window_min,
    )
