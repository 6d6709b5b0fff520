"""The last answer about a signal is kept, and never taken for that about another one."""

import numpy as np

from emgkit.artifact.last_answer import LastAnswer


def _frozen(values):
    base = np.array(values, dtype=float)
    base.setflags(write=False)
    return base.view()


def _counted(last, signal, question, asked):
    def look():
        asked.append(question)
        return float(np.sum(signal))

    return last.of(signal, question, look)


def test_the_same_question_about_the_same_signal_is_answered_once():
    last, asked, signal = LastAnswer(), [], _frozen([1.0, 2.0])
    assert [_counted(last, signal, "sum", asked) for _ in range(3)] == [3.0, 3.0, 3.0]
    assert asked == ["sum"]


def test_another_question_or_another_signal_is_looked_at():
    last, asked, signal = LastAnswer(), [], _frozen([1.0, 2.0])
    _counted(last, signal, "sum", asked)
    _counted(last, signal, "total", asked)
    assert _counted(last, _frozen([5.0, 2.0]), "total", asked) == 7.0
    assert asked == ["sum", "total", "total"]


def test_a_signal_that_may_change_is_looked_at_every_time():
    last, asked, signal = LastAnswer(), [], np.array([1.0, 2.0])
    _counted(last, signal, "sum", asked)
    signal[0] = 5.0
    assert _counted(last, signal, "sum", asked) == 7.0


def test_the_signal_is_not_kept_alive():
    from weakref import ref

    last, signal = LastAnswer(), _frozen([1.0, 2.0])
    _counted(last, signal, "sum", [])
    gone = ref(signal)
    del signal
    assert gone() is None
