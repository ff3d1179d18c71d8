"""The npm packages of the site: the pinned ones or none, and fetched once."""

import io
import tarfile
from pathlib import Path

import pytest
import selfcontained
from selfcontained import Package, archive_url, fetch, integrity, registry, unpack
from sphinx.errors import ExtensionError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Return a package that a registry in a folder has."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path in ("package/dist/index.js", "package/dist/index.js.map", "package/LICENSE"):
            member = tarfile.TarInfo(path)
            member.size = len(path)
            archive.addfile(member, io.BytesIO(path.encode()))
    named = Package("@owner/name", "1.2.3", integrity(content.getvalue()), ("dist/*.js", "LICENSE"))
    folder = tmp_path / "registry"
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", folder.as_uri())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(selfcontained.time, "sleep", lambda _: None)
    stored = Path(archive_url(named, str(folder)))
    stored.parent.mkdir(parents=True)
    stored.write_bytes(content.getvalue())
    return named


def stored_archive(package: Package) -> Path:
    return Path(archive_url(package, registry().removeprefix("file://")))


def test_only_what_is_needed_is_unpacked(package: Package, tmp_path: Path) -> None:
    unpack(package, tmp_path / "site")
    written = {path.relative_to(tmp_path / "site") for path in (tmp_path / "site").rglob("*.*")}
    assert written == {Path("dist/index.js")}
    assert (tmp_path / "site" / "LICENSE").read_text() == "package/LICENSE"


def test_second_fetch_needs_no_registry(package: Package) -> None:
    content = fetch(package)
    stored_archive(package).unlink()
    assert fetch(package) == content


def test_damaged_cache_is_fetched_again(package: Package, tmp_path: Path) -> None:
    content = fetch(package)
    (kept,) = (tmp_path / "cache").rglob("*.tgz")
    kept.write_bytes(content[:-1])
    assert fetch(package) == content == kept.read_bytes()


def test_another_archive_is_refused(package: Package) -> None:
    stored_archive(package).write_bytes(b"something else")
    with pytest.raises(ExtensionError, match=r"cannot fetch @owner/name 1\.2\.3 .* its hash is"):
        fetch(package)


def test_missing_archive_is_an_error(package: Package) -> None:
    stored_archive(package).unlink()
    with pytest.raises(ExtensionError, match="needs the npm registry"):
        fetch(package)


def test_where_nothing_can_be_kept(package: Package, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    assert integrity(fetch(package)) == package.integrity
