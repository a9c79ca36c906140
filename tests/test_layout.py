"""The rules of the house: small files, arrows one way, nothing undeclared, nothing undocumented.

What can be read from the sources is read from the checkout beside this folder; what needs the classes imports the
installed package. Without the sources (tests copied elsewhere) the file is skipped.
"""

import ast
import configparser
import dataclasses
import importlib
import inspect
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import pytest

ROOT = Path(__file__).parents[1]
if not (ROOT / "snnsim" / "__init__.py").is_file():
    pytest.skip("the sources are not beside the tests", allow_module_level=True)

# A folder and the name under which it is imported; `models` and `hardware` lie at the top of the repository.
FOLDERS = {"snnsim": "snnsim", "models": "snnsim.models", "hardware": "snnsim.hardware"}
LONGEST_FILE, LONGEST_MEDIAN, WIDEST_FACE = 400, 130, 60
# Arrows go from high to low. Folders of one level do not see each other, but for the exceptions.
LEVELS = {"kernels": 0, "core": 1, "neurons": 2, "synapses": 2, "plasticity": 2, "encoding": 2, "statistics": 2,
          "training": 3, "datasets": 3, "io": 3, "plotting": 3, "models": 4, "hardware": 5, "cli": 6}
EXCEPTIONS = {
    ("training", "datasets"): "fit draws its batches there",
    ("training", "io"): "checkpoints are written by the code that writes network files",
    ("io", "datasets"): "SONATA files are HDF5 files of others, read with the same checks",
    ("plotting", "io"): "pictures are written whole or not at all, like every other file",
}
FORBIDDEN = {("hardware", "training"): "hardware prices networks and recordings, it never trains"}
HEAVY = {"sklearn", "matplotlib", "nir", "typer", "rich"}  # slow to import: inside functions, or in cli
EXTENDED = {("AvgPool2d", "SumPool2d"): "the same windows, divided by their size"}


def sources():
    """(path, module name) of every file of the package."""
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            yield path, ".".join([package, *(part for part in parts if part != "__init__")])


SOURCES = dict(sources())
TREES = {path: ast.parse(path.read_text()) for path in SOURCES}


def place(node, path):
    """Where a finding is: file and line, as editors open it."""
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def imported(path):
    """(node, dotted name) of everything that a file imports; ``from a import b`` may be the module ``a.b``."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def family(module):
    """Folder that a module belongs to: ``snnsim.core.events`` is in core."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "snnsim" else ""


# -- files -----------------------------------------------------------------------------------------------------


def test_files_are_short():
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCES}
    tests = {path: len(path.read_text().splitlines()) for path in (ROOT / "tests").rglob("*.py")}
    median = statistics.median(length for path, length in lengths.items() if path.name != "__init__.py")
    print(f"\n{len(lengths)} files, {sum(lengths.values())} lines, median {median:g}, longest {max(lengths.values())}")
    assert {str(p.relative_to(ROOT)): n for p, n in (lengths | tests).items() if n > LONGEST_FILE} == {}
    assert median <= LONGEST_MEDIAN


def test_examples_are_short():
    numbered = (ROOT / "examples").glob("[0-9]*.py")
    assert {path.name: n for path in numbered if (n := len(path.read_text().splitlines())) >= 80} == {}


def test_setup_cfg_declares_every_package():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    folders = {path.parent for path in SOURCES}
    assert {str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").is_file()} == set()
    found = {name for path, name in SOURCES.items() if path.name == "__init__.py"}
    assert set(config["options"]["packages"].split()) == found


# -- imports ---------------------------------------------------------------------------------------------------


def test_arrows_go_one_way():
    wrong = []
    for path, module in SOURCES.items():
        here = family(module)
        if here not in LEVELS:  # the public face and ``python -m snnsim`` may see everything
            continue
        for node, name in imported(path):
            there = family(name)
            if name.split(".")[0] != "snnsim" or there in (here, "__version__"):
                continue
            if there not in LEVELS:
                allowed = LEVELS[here] > LEVELS["plotting"]  # models, hardware and cli may use the public face
            else:
                allowed = LEVELS[there] < LEVELS[here] or (here, there) in EXCEPTIONS
            if not allowed or (here, there) in FORBIDDEN:
                wrong.append(f"{place(node, path)}: {here} imports {name}")
    assert wrong == []


def test_imports_are_absolute_and_named():
    wrong = [place(node, path) for path, tree in TREES.items() for node in ast.walk(tree)
             if isinstance(node, ast.ImportFrom) and (node.level or any(alias.name == "*" for alias in node.names))]
    assert wrong == []


def test_heavy_modules_are_imported_late():
    wrong = []
    for path, module in SOURCES.items():
        late = {id(inner) for node in ast.walk(TREES[path]) for inner in ast.walk(node)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))}
        wrong += [f"{place(node, path)}: {name}" for node, name in imported(path)
                  if name.split(".")[0] in HEAVY and id(node) not in late and family(module) != "cli"]
    assert wrong == []


@pytest.mark.parametrize(("statement", "fine"), [("import snnsim", True), ("import jax; jax.devices()", False)])
def test_import_touches_no_device_and_nothing_heavy(statement, fine):
    # With a platform that does not exist JAX fails as soon as a device is asked for: the second case shows it.
    code = f"{statement}\nimport sys\nassert not {HEAVY!r} & set(sys.modules), sorted({HEAVY!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "JAX_PLATFORMS": "none_such"},
                          capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == fine, done.stderr


# -- forbidden things ------------------------------------------------------------------------------------------


def test_no_code_is_run_from_files():
    wrong = []
    for path, tree in TREES.items():
        wrong += [f"{place(node, path)}: {name}" for node, name in imported(path)
                  if name.split(".")[0] in {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                loads = any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in node.keywords)
                if name in {"eval", "exec", "compile"} or loads:
                    wrong.append(f"{place(node, path)}: {name}")
    assert wrong == []


def test_no_global_random_numbers():
    fine = {"default_rng", "Generator", "SeedSequence", "Philox", "PCG64", "BitGenerator"}
    wrong = []
    for path, tree in TREES.items():
        wrong += [place(node, path) for node, name in imported(path) if name.split(".")[0] == "random"]
        for node in ast.walk(tree):
            found = re.fullmatch(r"(?:np|numpy)\.random\.(\w+)", ast.unparse(node)) if isinstance(node, ast.Attribute) \
                else None
            if found and found[1] not in fine:
                wrong.append(f"{place(node, path)}: {found[0]}")
    assert wrong == []


def test_references_exist():
    bibliography = ROOT / "snnsim" / "REFERENCES.bib"
    if not bibliography.is_file():
        pytest.skip("no bibliography yet")
    keys = re.findall(r"^@\w+\{([^,\s]+),", bibliography.read_text(), re.MULTILINE)
    assert sorted({key for key in keys if keys.count(key) > 1}) == []
    wrong = []
    for path, module in SOURCES.items():
        if family(module) != "hardware":
            continue
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Figure":
                given = [k.value for k in node.keywords if k.arg == "source"] + node.args[2:3]
                wrong += [f"{place(node, path)}: {value.value}" for value in given
                          if isinstance(value, ast.Constant) and value.value not in keys]
    assert wrong == []


# -- names, fields and their documentation ---------------------------------------------------------------------


def modules():
    """Every module of the package, imported."""
    return {name: importlib.import_module(name) for name in SOURCES.values() if not name.endswith("__main__")}


def public_classes():
    """Public equinox modules, by name."""
    found = {cls for module in modules().values() for cls in vars(module).values()
             if inspect.isclass(cls) and issubclass(cls, eqx.Module) and cls.__module__.startswith("snnsim.")}
    return {f"{cls.__module__}.{cls.__qualname__}": cls for cls in found if not cls.__name__.startswith("_")}


def exported():
    """Functions and classes of each family's public face, by name."""
    found = {}
    for path, package in SOURCES.items():
        if path.name == "__init__.py":
            names = {name: value for name, value in vars(importlib.import_module(package)).items()
                     if name[0] != "_" and (inspect.isfunction(value) or inspect.isclass(value))
                     and value.__module__.startswith("snnsim.")}
            found.update({f"{value.__module__}.{name}": value for name, value in names.items()})
    return found


def explained(thing):
    """Names that the ``Args:`` section of a docstring explains; classes share those of their bases."""
    docs = [vars(cls).get("__doc__") for cls in thing.__mro__] if inspect.isclass(thing) else [thing.__doc__]
    names = set()
    for doc in filter(None, docs):
        section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", inspect.cleandoc(doc), re.MULTILINE | re.DOTALL)
        for line in section[1].splitlines() if section else []:
            if found := re.match(r" {4}(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: \([^)]*\))?:", line):
                names |= {name.strip("* ") for name in found[1].split(",")}
    return names


def test_public_face_is_small():
    import snnsim

    names = [name for name, value in vars(snnsim).items() if name[0] != "_" and not inspect.ismodule(value)]
    assert len(names) <= WIDEST_FACE, sorted(names)


def test_every_field_says_unit_and_meaning():
    from snnsim.core.units import UNITS

    wrong = []
    for name, cls in public_classes().items():
        for field in dataclasses.fields(cls):
            data = field.metadata  # a field that is only promised (AbstractVar) has none: its class speaks of it
            if not data.get("doc") and field.name not in explained(cls) and f"`{field.name}`" not in cls.__doc__:
                wrong.append(f"{name}.{field.name}: no doc")
            if (data.get("kind") == "param" or data.get("unit")) and data.get("unit") not in UNITS:
                wrong.append(f"{name}.{field.name}: unit {data.get('unit')!r}")
    assert sorted(wrong) == []


def test_every_public_name_is_explained():
    wrong = []
    for name, thing in exported().items():
        if not inspect.getdoc(thing):
            wrong.append(f"{name}: no docstring")
            continue
        fields = {f.name for f in dataclasses.fields(thing) if f.metadata.get("doc")} \
            if dataclasses.is_dataclass(thing) else set()
        if inspect.isclass(thing) and issubclass(thing, BaseException | tuple):
            continue
        missing = set(inspect.signature(thing).parameters) - explained(thing) - fields
        wrong += [f"{name}: {parameter}" for parameter in sorted(missing)]
    assert sorted(wrong) == []


def test_classes_are_abstract_or_final():
    wrong = []
    for name, cls in public_classes().items():
        for base in cls.__bases__:
            ours = base.__module__.startswith("snnsim.")
            if ours and not base.__name__.startswith("Abstract") and (cls.__name__, base.__name__) not in EXTENDED:
                wrong.append(f"{name} extends {base.__name__}")
    assert sorted(wrong) == []
