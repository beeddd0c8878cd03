"""Memory that a process of many atoms takes."""

import pytest

pytest.importorskip("resource", reason="peak memory is measured on Unix only")


@pytest.mark.slow
def test_bytes_per_atom(ranks):
    # Embedded atom + exchange with baths, 16 blocks: 2.3 kB (measured), of which 0.3 kB are
    # libraries and arrays of one block; what is asked for at 10^6 atoms is 3 kB.
    found = ranks(1, "memory")
    assert found["atoms"] == 128_000 and found["blocks"] == 16
    assert found["bytes_per_atom"] < 2600, found
    # Later runs take the pairs over anew, into memory that is free again.
    assert found["later_bytes_per_atom"] < 1.05 * found["bytes_per_atom"], found
