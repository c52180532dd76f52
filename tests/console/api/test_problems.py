"""The sentences of problems: who reads one does not see the title beside it."""

from console.api.problems import of_error
from console.engine.commanding.errors import OutsideTrouble


def test_an_act_that_an_outside_system_stopped_names_the_system() -> None:
    found = of_error(OutsideTrouble("salesforce", "timeout", "no answer in time"))
    assert found is not None
    assert found.problem.detail == "salesforce: timeout: no answer in time; nothing was done"
