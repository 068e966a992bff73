"""The parts of the tour that can be told wrong: what is held out, and what the misspelt list stands for."""

from nearkin import demo, samples


def test_held_out_companions_are_in_no_training_link():
    links = demo.companions_of(samples.debian())
    rest, histories, targets = demo.held_out(links)
    assert len(rest) == len(links) - len(targets)
    assert len(histories) == len(targets) == demo.HELD_OUT
    ids = links.right.id_list
    known = set(rest.pairs())
    for history, target in zip(histories, targets):
        assert (history[0], ids[target]) not in known
        assert ids[target] not in history
        assert len(history) >= 3


def test_the_misspelt_list_differs_from_what_it_stands_for():
    items = samples.debian().items
    programs = items.take([row for row, section in enumerate(items["section"]) if section == "graphics"])
    wanted, truth = demo.misspelt(programs)
    assert len(wanted) == len(set(truth.values())) == len(truth)
    changed = [name != truth[line] for line, name in zip(wanted.id_list, wanted["name"])]
    assert sum(changed) > 0.8 * len(changed)
    assert all(sorted(name) == sorted(truth[line]) for line, name in zip(wanted.id_list, wanted["name"]))
