"""Two threads and two event loops, two tenants, every kind of door: no foreign row. At full size in `benchmarks/`."""

import pytest

from config.tests import hammer


@pytest.mark.transactional
def test_two_tenants_knocked_at_from_all_sides_stay_apart(acme, beta):
    cast = [hammer.lay_out(tenant) for tenant in (acme, beta)]

    found = hammer.run(cast, times=120)

    assert found.foreign == []
    assert found.failed == []
    assert set(found.knocks) == {*hammer.DOORS, "socket"}
