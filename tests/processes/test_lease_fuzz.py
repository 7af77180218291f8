"""A share of `python -m benchmarks.lease_fuzz`, of which the full million is run by hand."""

from benchmarks.lease_fuzz import ATTACKS, fuzz_machine, fuzz_socket, interlock_process
from gatekeeper.linac.lease.messages import Refusal


def test_random_and_mutated_messages_never_let_the_beam_on():
    seen = fuzz_machine(5_000, seed=1)
    assert seen["beam on"] == 0
    assert seen["nothing"] == 0, "each one is refused"
    assert seen["beam taken"] > 250, "each one takes the beam that a good lease had let on"
    words = {refusal.word for refusal in Refusal} - {"busy", "late"}
    assert words <= set(seen), f"the {len(ATTACKS)} kinds of attack reach every reason"


def test_interlock_process_survives_them_and_grants_nothing():
    with interlock_process() as (port, _, events):
        seen = fuzz_socket(200, seed=2, port=port)
        text = events.read_text()
    assert seen["sent"] + seen["busy"] == 200
    assert seen["beam on"] == 0
    assert '"state": "ON"' not in text
