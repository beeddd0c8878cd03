"""Optional packages: imported where they are used, with an error that says how to get them."""

from importlib import import_module

#: Packages of an extra that are not on the package index, with the command that installs them.
ELSEWHERE = {
    "mace": "pip install git+https://github.com/ACEsuit/mace@develop",
    "qml_lightning": "pip install git+https://github.com/nickjbrowning/qml-lightning",
}


def require(module, extra):
    """Import and return an optional module.

    Parameters
    ----------
    module : str, name of the module, e.g. ``"matplotlib.figure"``.
    extra : str, the extra of the package ``ase-mag`` that installs it, e.g. ``"plot"``.

    Raises
    ------
    ImportError
        If it is not installed; the message names the extra, and the repository of packages that
        are not on the package index. An import error inside an installed package is passed on.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise ImportError(
            f"{package} is needed here but not installed; install it with: "
            f"{installation(package, extra)}"
        ) from error


def installation(package, extra):
    """Return the shell commands that install an optional package, a str."""
    command = f'pip install "ase-mag[{extra}]"'
    if package in ELSEWHERE:
        command += f" and, because it is not on the package index, {ELSEWHERE[package]}"
    return command
