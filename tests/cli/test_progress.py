from molinterp.cli.progress import Bars


def test_items_pass_and_notes_stay_on_stderr(capsys):
    bars = Bars()
    seen = []
    for item in bars(range(3), 3, "work"):
        bars.show(f"item {item}")
        seen.append(item)
    bars.note("done")
    out, err = capsys.readouterr()
    assert seen == [0, 1, 2] and out == "" and "work" in err and err.endswith("done\n")


def test_quiet_bars_say_nothing(capsys):
    bars = Bars(quiet=True)
    bars.show("before any bar")
    assert list(bars(iter("abc"), 3, "work")) == list("abc")
    bars.note("done")
    assert capsys.readouterr() == ("", "")
