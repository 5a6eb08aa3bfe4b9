"""The site that tests look at is that of the report which tests of reporting write."""

from tests.reporting.conftest import outcome, params, site, written

__all__ = ["outcome", "params", "site", "written"]
