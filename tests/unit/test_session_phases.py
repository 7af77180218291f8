"""What an operator may ask for in each phase of a session."""

from gatekeeper.core.command import Action
from gatekeeper.operator.request import END, WORDS
from gatekeeper.session.phases import ALLOWED, Phase, armed_phase, refusal


def test_arming_is_refused_before_the_session_is_ready():
    for phase in Phase:
        assert (refusal(phase, Action.ARM) is None) is (phase is Phase.READY)
    assert refusal(Phase.CONNECT, "arm").startswith("arm is not possible in phase connect; possible: disarm, end")


def test_what_holds_the_beam_is_never_refused_while_a_session_goes_on():
    for phase in Phase:
        for word in (Action.HOLD, Action.DISARM, END):
            assert (refusal(phase, word) is None) is (phase is not Phase.ENDED)


def test_every_phase_and_every_word_is_told_of():
    assert set(ALLOWED) == set(Phase)
    assert set().union(*ALLOWED.values()) == set(WORDS)


def test_phase_of_a_gate_follows_arming_and_the_operators_hold():
    assert armed_phase(armed=False, operator_hold=True) is Phase.READY
    assert armed_phase(armed=True, operator_hold=True) is Phase.PAUSED
    assert armed_phase(armed=True, operator_hold=False) is Phase.DELIVERY
