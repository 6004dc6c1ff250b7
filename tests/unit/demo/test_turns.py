from emofuse.demo.turns import Turns


def test_work_is_over_once_the_visitor_begins_another():
    turns = Turns()
    with turns.take("ann") as first, turns.take("bob") as other:
        assert not first()
        with turns.take("ann") as second:
            assert first()
            assert not second()
        assert first()
        assert not other()


def test_work_that_is_called_off_is_over_and_that_of_others_is_not():
    turns = Turns()
    with turns.take("ann") as own, turns.take("bob") as other:
        turns.end("ann")
        turns.end("carol")
        assert own()
        assert not other()


def test_work_that_ends_late_leaves_the_next_alone():
    turns = Turns()
    late = turns.take("ann")
    late.__enter__()
    with turns.take("ann") as current:
        late.__exit__(None, None, None)
        assert not current()
