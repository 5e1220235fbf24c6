"""From a configuration to what the engine takes: a pure function, the same bytes for the same configuration."""

from __future__ import annotations

from brivas.errors import ConfigError
from brivas.resources.account import Account
from brivas.resources.carrier import Carrier, CarrierQuirks
from brivas.resources.config import Config
from brivas.resources.listener import Listener
from brivas.resources.routing_snapshot import compile_routing
from brivas.resources.secret import SecretRef
from brivas.resources.sender import Sender
from brivas.resources.text import DEFAULT_ALPHABET, LANGUAGE, LONG_MESSAGES
from brivas.resources.tls import carrier_tls, listener_tls
from brivas.v1 import control_pb2, events_pb2

_DURABILITY = {"disk": control_pb2.DURABILITY_DISK, "memory": control_pb2.DURABILITY_MEMORY}
_DELIVERY = {"smpp": control_pb2.DELIVERY_SMPP, "webhook": control_pb2.DELIVERY_WEBHOOK}
_CONSENT = {
    "sender": control_pb2.CONSENT_SCOPE_SENDER,
    "account": control_pb2.CONSENT_SCOPE_ACCOUNT,
    "off": control_pb2.CONSENT_SCOPE_OFF,
}
_SENDERS = {"any": control_pb2.SENDERS_ALLOWED_ANY, "listed": control_pb2.SENDERS_ALLOWED_LISTED}
_BIND_MODE = {
    "transceiver": control_pb2.BIND_MODE_TRANSCEIVER,
    "transmitter": control_pb2.BIND_MODE_TRANSMITTER,
    "receiver": control_pb2.BIND_MODE_RECEIVER,
}
_UNANSWERED = {
    "requeue": control_pb2.UNANSWERED_REQUEUE,
    "hold": control_pb2.UNANSWERED_HOLD,
    "fail": control_pb2.UNANSWERED_FAIL,
}
_MESSAGE_IDS = {
    "auto": events_pb2.MESSAGE_IDS_AUTO,
    "same": events_pb2.MESSAGE_IDS_SAME,
    "case": events_pb2.MESSAGE_IDS_CASE,
    "zeros": events_pb2.MESSAGE_IDS_ZEROS,
    "hexToDecimal": events_pb2.MESSAGE_IDS_HEXADECIMAL_TO_DECIMAL,
    "decimalToHex": events_pb2.MESSAGE_IDS_DECIMAL_TO_HEXADECIMAL,
    "dashes": events_pb2.MESSAGE_IDS_DASHES,
}
_PLAIN_RECEIPTS = {
    "auto": control_pb2.PLAIN_RECEIPTS_AUTO,
    "always": control_pb2.PLAIN_RECEIPTS_ALWAYS,
    "never": control_pb2.PLAIN_RECEIPTS_NEVER,
}
_AUTHENTICATION = {
    "password": control_pb2.AUTHENTICATION_PASSWORD,
    "certificate": control_pb2.AUTHENTICATION_CERTIFICATE,
    "both": control_pb2.AUTHENTICATION_BOTH,
}
_DIRECTION = {
    "outbound": control_pb2.CARRIER_DIRECTION_OUTBOUND,
    "inbound": control_pb2.CARRIER_DIRECTION_INBOUND,
}
_VERSION = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}


def compile_snapshot(config: Config) -> control_pb2.Snapshot:
    """The engine's snapshot, ordered by name."""
    snapshot = control_pb2.Snapshot(
        accounts=[_account(config, account) for account in config.of(Account)],
        carriers=[_carrier(config, carrier) for carrier in config.of(Carrier)],
        listeners=[_listener(config, listener) for listener in config.of(Listener)],
        senders=[_sender(sender) for sender in config.of(Sender)],
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
        validity_max_seconds=spec.validity_max_seconds,
        schedule_max_seconds=spec.schedule_max_seconds,
        senders_allowed=_SENDERS[spec.senders_allowed],
        incoming=_DELIVERY[spec.incoming],
        delivery_retention_seconds=spec.delivery_retention_seconds,
        long_messages=LONG_MESSAGES[spec.long_messages],
        deliver_by_data_sm=spec.deliver_by == "data_sm",
        default_alphabet=DEFAULT_ALPHABET[spec.default_alphabet],
        languages=sorted(LANGUAGE[language] for language in spec.languages),
        transliterate=spec.transliterate,
        reassembly_timeout_seconds=spec.reassembly_timeout_seconds,
        tags=spec.tags,
        consent_scope=_CONSENT[spec.consent],
        addresses=spec.addresses,
        authentication=_AUTHENTICATION[spec.authentication],
    )


def _sender(sender: Sender) -> control_pb2.Sender:
    spec = sender.spec
    return control_pb2.Sender(name=sender.name, account=spec.account, address=spec.address, ton=spec.ton, npi=spec.npi)


def _password_hash(config: Config, owner: Account | Carrier) -> str:
    value = owner.spec.password_hash
    if value is None:
        return ""
    if not isinstance(value, SecretRef):
        return value
    text = config.secret(value).reveal()
    if not text.startswith("$argon2id$"):
        raise ConfigError(
            f"{owner.kind_name} {owner.name}: {value.describe()} does not hold an argon2id hash",
            hint="it must start with $argon2id$; the password itself is never stored",
        )
    return text


def _carrier(config: Config, carrier: Carrier) -> control_pb2.Carrier:
    spec = carrier.spec
    return control_pb2.Carrier(
        name=carrier.name,
        host=spec.host or "",
        port=spec.port,
        system_id=spec.system_id,
        password=_secret(config, spec.password),
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
        on_timeout=_UNANSWERED[spec.on_timeout],
        on_disconnect=_UNANSWERED[spec.on_disconnect],
        quirks=_quirks(spec.quirks),
        tls=carrier_tls(spec.tls, config.secret) if spec.tls else None,
        direction=_DIRECTION[spec.direction],
        password_hash=_password_hash(config, carrier),
        addresses=spec.addresses,
        binds_max=spec.binds_max,
    )


def message_ids_name(value: events_pb2.MessageIds.ValueType) -> str:
    """How a resource spells it."""
    return next((name for name, known in _MESSAGE_IDS.items() if known == value), str(value))


def _quirks(quirks: CarrierQuirks) -> control_pb2.CarrierQuirks:
    return control_pb2.CarrierQuirks(
        message_ids=_MESSAGE_IDS[quirks.message_ids],
        plain_receipts=_PLAIN_RECEIPTS[quirks.plain_receipts],
        receipt_zone_minutes=quirks.receipt_zone_minutes,
        accepted_is_final=quirks.accepted_is_final,
    )


def _listener(config: Config, listener: Listener) -> control_pb2.Listener:
    spec = listener.spec
    return control_pb2.Listener(
        name=listener.name,
        address=spec.address,
        tls=listener_tls(spec.tls, config.secret) if spec.tls else None,
        proxy_from=spec.proxy_protocol.sources if spec.proxy_protocol else (),
    )


def _secret(config: Config, reference: SecretRef | None) -> str:
    return config.secret(reference).reveal() if reference is not None else ""
