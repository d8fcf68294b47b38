from tests.cli.commands import END, START, check_refused


def test_a_report_from_a_file_and_from_the_path_itself(table, command, quick, tmp_path):
    for name in ("path.json", "direct.html"):
        assert command("path", START, END, *quick, "-q", "-o", name).code == 0
    answer = command("report", "path.json", "-o", "report.html")
    assert answer.code == 0 and answer.out == ""
    assert f"{len(table.out.splitlines()) - 1} molecules drawn" in answer.err
    pages = [(tmp_path / name).read_text(encoding="utf-8") for name in ("report.html", "direct.html")]
    assert pages[0] == pages[1]
    answer = command("report", "path.json", "-o", "report.pdf")
    assert answer.code == 2 and "must end in .html" in answer.err


def test_a_file_that_is_missing_is_said(command, tmp_path):
    check_refused(command("report", "none.json", "-o", "x.html"), 2, "file 'none.json' does not exist")
    assert list(tmp_path.iterdir()) == []
