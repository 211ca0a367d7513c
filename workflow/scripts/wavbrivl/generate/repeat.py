"""A study's conditions drawn several times, each time with a seed of its own."""

from wavbrivl.generate.conditions import Conditions
from wavbrivl.generate.drawings import Drawings, Trace, joined
from wavbrivl.generate.generator import Generator


def draw_repeatedly(
    generator: Generator, conditions: Conditions, seed: int, repeats: int
) -> tuple[Drawings, Trace]:
    """Draw all conditions with the seeds `seed`, `seed + 1`, ...; one drawing after the other.

    Returns:
        All pictures, and the trace with the items of each seed under `drawings`.
    """
    parts, traces = [], []
    for number in range(repeats):
        drawings, trace = generator.draw(conditions, seed + number)
        parts.append(drawings)
        traces.append(trace)
    common = {key: value for key, value in traces[0].items() if key not in ("seed", "items")}
    runs = [{"seed": trace["seed"], "items": trace["items"]} for trace in traces]
    return joined(parts), {**common, "side": generator.side, "drawings": runs}
