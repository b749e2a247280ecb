"""The plugin that pytest loads: two options, and nothing else until one of them is given.

It stands outside `autograd` so that neither the start of every pytest run pays for importing a
package, nor a package that happens to have the same name can break it.
"""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--gradcheck-report` lists what was checked; `--gradcheck-json` writes it."""
    group = parser.getgroup("gradcheck", "gradients checked by autograd.check_gradients")
    group.addoption(
        "--gradcheck-report",
        action="store_true",
        help="list each function whose gradient was checked, how tightly, and its worst point",
    )
    group.addoption(
        "--gradcheck-json",
        metavar="FILE",
        help="write the same list, as JSON",
    )


# before the conftests are imported, which may take check_gradients by name
@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """With one of the options, checks are recorded."""
    options = early_config.known_args_namespace
    if not (options.gradcheck_report or options.gradcheck_json):
        return
    try:
        from autograd import check_gradients as check_gradients  # which the other one has not
        from autograd.pytest_plugin import GradientChecks
    except ImportError as error:
        raise pytest.UsageError(
            f"--gradcheck-report and --gradcheck-json need glassgrad's autograd, but: {error}; "
            "the package of HIPS has the same name, and the two exclude each other"
        ) from None
    early_config.pluginmanager.register(GradientChecks(), "gradient-checks")
