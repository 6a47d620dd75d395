"""Make libraries inside a sandbox behave well with its proxy, without a change in the script that uses them.

Runs inside the sandbox; standard library only, and nothing is imported or patched before the script itself imports one
of these libraries. A library that has changed is left as it is.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def install() -> None:
    """Patch what was imported already (in a zygote), and the rest when it comes."""
    for name, patch in _PATCHES.items():
        module = sys.modules.get(name)
        if module is not None:
            _try(patch, module)
    sys.meta_path.insert(0, _Watcher())


class _Watcher:
    """Sees every import first; a dictionary look-up for all but a few names."""

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Let the other finders find the module, and patch it once it has run."""
        patch = _PATCHES.get(name)
        if patch is None:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                _patch_after(spec, patch)
                return spec
        return None


def _patch_after(spec: "ModuleSpec", patch: "Callable[[ModuleType], None]") -> None:
    loader = spec.loader
    run = getattr(loader, "exec_module", None)
    if run is None:
        return

    def exec_module(module: "ModuleType") -> None:
        run(module)
        _try(patch, module)

    try:
        loader.exec_module = exec_module  # type: ignore[method-assign, union-attr]
    except AttributeError:  # a loader with slots
        pass


def _try(patch: "Callable[[ModuleType], None]", module: "ModuleType") -> None:
    try:
        patch(module)
    except Exception:  # noqa: S110 - not the library we know: the script gets it as it is
        pass


def _aiohttp(module: "ModuleType") -> None:
    """Alone among the common clients it ignores HTTPS_PROXY unless told `trust_env=True`: make that the default."""
    module.ClientSession.__init__.__kwdefaults__["trust_env"] = True


def _openai(module: "ModuleType") -> None:
    """Its `Connection error.` does not say why: add what the proxy said."""
    error = module.APIConnectionError
    plain = error.__str__

    def text(self: BaseException) -> str:
        cause = self.__cause__
        return f"{plain(self)} {cause}" if type(cause).__name__ == "ProxyError" else plain(self)

    error.__str__ = text


_PATCHES = {"aiohttp.client": _aiohttp, "openai._exceptions": _openai}
