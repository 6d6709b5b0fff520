"""Every constant of the simulator says where it comes from, or that nobody has verified it."""

import re
from dataclasses import is_dataclass
from pathlib import Path

import emgkit.simulate
from emgkit import simulate

PACKAGE = Path(emgkit.simulate.__file__).parent
CONSTANT = re.compile(r"^([A-Z][A-Z_, ]*)(?::[^=]+)? = (\(*-?\d.*|\($|\{\d.*|[A-Z]+ \* .*|\d.*)$")
# a citation, or that there is none; or that it is no claim about nature: a choice of computation, or a definition
SAYS = re.compile(r"\b(19|20)\d\d\b|unverified|numerical|by definition")


def constants():
    for source in sorted(PACKAGE.glob("*.py")):
        lines = source.read_text().splitlines()
        for number, line in enumerate(lines):
            if (found := CONSTANT.match(line)) and '"' not in lines[number + 1] + line:  # no table of names
                above = [lines[n] for n in range(max(number - 2, 0), number) if lines[n].startswith("#")]
                yield f"{source.name}: {found[1]}", " ".join([*above, line.partition("  # ")[2]])


def test_every_constant_has_its_citation_or_is_called_unverified():
    found = dict(constants())
    assert len(found) > 80
    assert [name for name, comment in found.items() if not SAYS.search(comment)] == []


def test_defaults_say_whether_somebody_stands_behind_them():
    made = [getattr(simulate, name) for name in simulate.__all__]
    parameters = [one for one in made if is_dataclass(one) and isinstance(one, type) and hasattr(one, "__post_init__")]
    physical = {"PoolParameters", "EvokedParameters", "FatigueParameters", "Surroundings", "Electrode", "Contact"}
    assert physical <= {one.__name__ for one in parameters}
    for one in parameters:
        if one.__name__ in physical | {"Session", "Montage"}:
            assert "unverified" in one.__doc__, one.__name__
