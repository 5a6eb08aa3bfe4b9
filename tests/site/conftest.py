"""The tests use the site of the report from the tests of reporting."""

from tests.reporting.conftest import outcome, params, site, written

__all__ = ["outcome", "params", "site", "written"]
