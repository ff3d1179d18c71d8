"""The moving picture of the README: a network of three neurons runs, in states and in spins.

Writes book/_static/moving.gif. Run from anywhere: python book/data/make_moving.py (some seconds).
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import flux
from flux import plots

STEPS, SHOWN = 48, 24


def main():
    """Draw one picture for each step."""
    plots.use_style()
    W = np.array([[0, 0, -3.0], [3.0, 0, 0], [0, 3.0, 0]])
    x = flux.simulate(W, STEPS + SHOWN, rng=np.random.default_rng(2), progress=False)
    figure, (graph, raster) = plt.subplots(1, 2, figsize=(7.2, 2.7), width_ratios=[1, 1.7], dpi=90)
    figure.suptitle(
        f"Three neurons: the present state tells {flux.exact_flux(W).I:.2f} bits of the next"
    )
    plots.show_state_graph(W, ax=graph)
    # all states lie on cycles, and are drawn in the order of their codes
    places = graph.collections[-1].get_offsets()
    low, high = places.min(0) - 0.7, places.max(0) + 0.7
    graph.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    codes = flux.encode(x)
    assert len(places) == 8
    here = graph.scatter([], [], 90, "white", zorder=4)
    image = plots.show_raster(x[:SHOWN], raster)
    raster.set(xlabel="time", xticks=[], yticks=[0, 1, 2])

    def draw(step):
        here.set_offsets(places[codes[step + SHOWN - 1]][None])
        image.set_data(x[step : step + SHOWN].T)

    pictures = []
    for step in range(STEPS):
        draw(step)
        figure.canvas.draw()
        picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])
        pictures.append(picture.quantize(32, dither=Image.Dither.NONE))
    target = Path(__file__).parents[1] / "_static" / "moving.gif"
    pictures[0].save(target, append_images=pictures[1:], duration=250, loop=0, save_all=True)


if __name__ == "__main__":
    main()
