"""Processes that were not given the same."""

SAME = (
    " of 1 of 2 processes differ from those of process 0, but all processes have to give the same"
)


def test_what_differs_is_named_on_every_process(ranks):
    (messages, kept), other, moved = ranks(2, "agreement")
    assert [messages, kept] == other
    same, *messages = messages
    assert same is None
    for message, names in zip(
        messages,
        [
            "positions",
            "positions, cell",
            "numbers, positions, masses, momenta, moments",
            "positions, masses, momenta, moments",
            "damping, skin, loginterval",
            "field",
            "trajectory",
            "model",
        ],
        strict=True,
    ):
        assert message.startswith(names + SAME)
        assert "give random generators a seed" in message
        assert "atoms = comm.bcast(atoms)" in message
    # A checkpoint holds the present state, but atoms are as they were until gather().
    assert kept
    assert moved > 0.01
