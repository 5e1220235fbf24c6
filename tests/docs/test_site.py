"""The documentation as a whole: it builds, its links hold, it has all that the code has, and no figure stands alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brivas import metrics, settings
from brivas.bench.report import e2e_result
from brivas.bench.shape import Shape
from brivas.cli.main import brivas
from brivas.resources.config import load_folder
from brivas.resources.kinds import installed_kinds
from brivas.resources.problem import ConfigRefusedError
from tests.docs.markdown import PAGES, ROOT, ROOT_PAGES, anchors, blocks, links, prose

FIGURE = re.compile(
    r"\d[\d.,\u00a0]*\s*(k|M|thousand|million)?\s*"
    r"(messages?(/s| (a|per) second)|msg/s|µs|us a message|microseconds|/s\b)",
    re.IGNORECASE,
)
RESULTS = re.compile(r"benches/results/[\w.-]+\.json")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; every link inside it was checked."""
    folder = tmp_path_factory.mktemp("site")
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return folder


def test_every_setting_metric_kind_and_command_is_documented(site: Path) -> None:
    def text(page: str) -> str:
        return (site / page).read_text()

    assert [each.variable for each in settings.ALL if each.variable not in text("settings.html")] == []
    assert [each.name for each in metrics.ALL if each.name not in text("metrics.html")] == []
    assert [kind for kind in installed_kinds() if f'id="{kind.lower()}"' not in text("configuration.html")] == []
    names = brivas.list_commands(brivas.make_context("brivas", [], resilient_parsing=True))
    assert [name for name in names if f'id="brivas-{name}"' not in text("commands.html")] == []
    assert "ESME_RTHROTTLED" in text("smpp.html")
    assert "receipt_delivered" in text("events.html")
    assert "urn:brivas:problem:throttled" in text("http.html")


def test_no_page_fetches_from_another_host(site: Path) -> None:
    fetches = re.compile(r"<(?:link|script|img|iframe)[^>]*(?:src|href)=\"?(?:https?:)?//[^\" >]+")
    wrong = [
        f"{file.name}: {match.group()}" for file in site.rglob("*.html") for match in fetches.finditer(file.read_text())
    ]
    wrong += [
        f"{file.name}: {match.group()}"
        for file in site.rglob("*.css")
        for match in re.finditer(r"url\([\"']?https?://[^)]+", file.read_text())
    ]
    wrong += [file.name for file in site.rglob("*.js") if "unpkg.com" in file.read_text()]
    assert wrong == []


@pytest.mark.parametrize("page", ROOT_PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_hold(page: Path) -> None:
    wrong = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            wrong.append(target)
    assert wrong == []


def test_paths_that_pages_name_exist() -> None:
    paths = re.compile(r"`((?:core|python|gateways|orchestration|proto|tests|docs|schemas|changes)/[\w./-]*)`")
    wrong = [
        f"{page.name}: {name}"
        for page in (*ROOT_PAGES, *PAGES)
        for name in paths.findall(prose(page))
        if not (ROOT / name).exists() and "..." not in name
    ]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_figure_has_its_command_and_its_results(page: Path) -> None:
    """A performance figure stands in a section that names a `brivas bench` command and a results file that exists."""
    for section in re.split(r"^(?=#+ )", page.read_text(), flags=re.MULTILINE):
        without_blocks = re.sub(r"^```.*?^```$", "", section, flags=re.MULTILINE | re.DOTALL)
        figure = FIGURE.search(without_blocks)
        if figure is None:
            continue
        files = RESULTS.findall(section)
        assert files, f"no results file for: {figure.group()}"
        assert "brivas bench" in section or "make bench" in section, f"no command for: {figure.group()}"
        assert [name for name in files if not (ROOT / name).is_file()] == []


def test_a_figure_is_seen() -> None:
    for text in ("150,000 messages/s", "2.9 µs", "1.2 M messages a second", "30k msg/s"):
        assert FIGURE.search(text), text
    for text in ("up to 1,000 messages", "30 s", "100 ms", "1.88 or newer"):
        assert not FIGURE.search(text), text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(body, id=f"{page.name} {index}")
        for page in PAGES
        for index, body in enumerate(blocks(page, "yaml"))
    ],
)
def test_a_resource_that_a_page_shows_is_taken(body: str, tmp_path: Path) -> None:
    """Beside the sample's account and carrier, as the pages assume."""
    head = "apiVersion: brivas.io/v1\nkind: {}\nmetadata: {{name: {}}}\nspec: {}\n"
    (tmp_path / "account.yaml").write_text(head.format("Account", "sample", "{}"))
    (tmp_path / "carrier.yaml").write_text(
        head.format("Carrier", "simulator", "{host: localhost, systemId: simulator}")
    )
    (tmp_path / "shown.yaml").write_text(body)
    assert len(load_folder(tmp_path, read_secrets=False).resources) > 2


def test_a_refused_file_is_shown_as_it_is_refused(tmp_path: Path) -> None:
    (shown,) = (body for body in blocks(ROOT / "docs" / "configuration.md", "text") if body.startswith("error:"))
    folder = tmp_path / "config"
    folder.mkdir()
    lines = ["apiVersion: brivas.io/v1", "kind: Carrier", "metadata:", "  name: acme", "spec:", "  host: acme.example"]
    (folder / "carrier.yaml").write_text("\n".join([*lines, "  systemId: brivas", "  port: 99999", ""]))
    with pytest.raises(ConfigRefusedError) as refused:
        load_folder(folder)
    assert f"error: {refused.value.problems[0].describe()}\n".replace(f"{tmp_path}/", "") == shown


def test_every_field_of_a_bench_result_is_explained() -> None:
    explained = set(re.findall(r"`([a-z_0-9]+)`", prose(ROOT / "docs" / "benchmarks.md")))
    shape = Shape(
        binds=1,
        window=1,
        carrier_binds=1,
        carrier_window=1,
        durability="disk",
        seconds=1,
        warm_up_seconds=0,
        drain_seconds=0,
        text_octets=0,
    )
    assert e2e_result(shape, [], [], None, []).keys() - explained == set()


@pytest.mark.parametrize(
    ("source", "constant", "page", "said"),
    [
        ("core/smpp/src/frame.rs", "PDU_BYTES_MAX: usize = 66_000;", "smpp.md", "above 66,000"),
        ("core/smpp/src/session/mod.rs", "bind_timeout_ms: 10_000,", "smpp.md", "| Bind after connect | 10 s |"),
        ("core/smpp/src/session/mod.rs", "pdu_timeout_ms: 10_000,", "smpp.md", "| A begun PDU must end | 10 s |"),
        ("core/smpp/src/session/mod.rs", "enquire_link_ms: 30_000,", "smpp.md", "before `enquire_link` | 30 s |"),
        ("core/src/shard/crowd.rs", "CONNECTIONS_MAX: usize = 15_000;", "smpp.md", "15,000 connections"),
        ("core/src/shard/delivery.rs", "DELIVERY_RETRY_MS: u64 = 5_000;", "smpp.md", "again after 5 seconds"),
        ("core/src/shard/mod.rs", "OPEN_MESSAGES_MAX: usize = 10_000_000;", "smpp.md", "10,000,000 over all"),
        ("core/src/shard/round.rs", "BACKGROUND_SYNC_MS: u64 = 1_000;", "concepts.md", "at least once a second"),
        ("core/src/shard/parking.rs", "PARKED_MS: u64 = 5_000;", "smpp.md", "After 5 seconds, or when the carrier"),
        ("core/src/transport/proxy.rs", "OCTETS_MAX: usize = 4_096;", "smpp.md", "at most 4,096 octets"),
        ("core/src/transport/tls.rs", "HELLO_OCTETS_MAX: usize = 8 << 10;", "smpp.md", "A hello has at most 8 KiB"),
        ("core/src/transport/tls.rs", "HANDSHAKE_OCTETS_MAX: usize = 32 << 10;", "smpp.md", "handshake 32 KiB"),
        ("core/src/shard/expiry.rs", "WARNING_MS: i64 = 30 * DAY_MS as i64;", "smpp.md", "expires within 30 days"),
        ("python/brivas/expiry.py", "WARN_DAYS: Final = 30", "operations.md", "`warn` below 30 days"),
        ("core/src/shard/sweep.rs", "RECEIPT_GRACE_MS: i64 = 3_600_000;", "smpp.md", "until an hour after"),
        ("core/src/shard/sweep.rs", "STALL_MS: u64 = 30_000;", "smpp.md", "it is sent | 30 s, then closed |"),
    ],
)
def test_the_engines_constants_are_as_the_pages_say(source: str, constant: str, page: str, said: str) -> None:
    """Who changes one finds here the page that tells it."""
    assert constant in (ROOT / source).read_text()
    assert said in (ROOT / "docs" / page).read_text()
