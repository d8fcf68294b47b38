from tests.cli.commands import END, START, check_refused


def test_the_median_of_two_is_a_table(command, small):
    answer = command("median", START, END, "-n", "3", *small)
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0].startswith(f"rank\tsmiles\tdispersion\tsimilarity_to_{START}\tsimilarity_to_{END}")
    assert len(lines) <= 4


def test_standard_input_is_named_once(command):
    message = "standard input (-) gives one compound and can be named once"
    check_refused(command("median", "-", "-"), 2, message)
