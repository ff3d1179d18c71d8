// The flux of several shapes of weight matrices as the strength of their weights grows.

const GRID = Array.from({ length: 30 }, (_, k) => 0.2 * 50 ** (k / 29));
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [440, 260, 44, 40];
const DASHES = ["none", "8 3", "2 3", "8 3 2 3", "12 4", "4 2"];

function render({ model, el }) {
  const sizes = [...new Set(model.get("shapes").map(([, A]) => A.length))];
  const strength = slider({
    label: "strength w",
    min: 0.2,
    max: 10,
    step: 0.05,
    format: (w) => w.toFixed(2),
    onInput: (w) => change({ strength: w }),
  });
  const neurons = choice({
    label: "neurons",
    options: sizes.sort((a, b) => a - b),
    onInput: (n) => change({ n: Number(n) }),
  });
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const table = element("tbody");
  frame(
    el,
    "Flux of weight matrices",
    element("div", { class: "flux-column" }, strength.node, neurons.node, chart),
    element(
      "div",
      { class: "flux-column" },
      element(
        "table",
        { class: "flux-shapes" },
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            ...["line", "shape", "weights", "flux I"].map((text) =>
              element("th", { scope: "col" }, text),
            ),
          ),
        ),
        table,
      ),
    ),
  );

  const known = new Map();
  const curve = (A) => {
    const key = JSON.stringify(A);
    if (!known.has(key))
      known.set(
        key,
        GRID.map((w) => fluxOf(A, w)),
      );
    return known.get(key);
  };
  const redraw = () => {
    const [w, n] = [model.get("strength"), model.get("n")];
    const chosen = model.get("shapes").filter(([, A]) => A.length === n);
    strength.set(w);
    neurons.set(n);
    const fluxes = chosen.map(([, A]) => fluxOf(A, w));
    const best = Math.max(...fluxes);
    table.replaceChildren(...chosen.map(([name, A], k) => shapeRow(name, A, k, fluxes[k], best)));
    drawChart(
      chart,
      n,
      w,
      chosen.map(([, A]) => curve(A)),
      fluxes,
    );
    const told = chosen.map(([name], k) => `${name} ${fluxes[k].toFixed(3)} bits`).join(", ");
    chart.setAttribute("aria-label", `flux against strength; at w = ${w.toFixed(2)}: ${told}`);
  };
  const { change, disconnect } = connect(model, ["strength", "n", "shapes"], redraw);
  redraw();
  return disconnect;
}

const fluxOf = (A, w) => exactFlux(scaled(A, w)).I;

// colours and dashes shift against each other, so that no two lines look alike
const look = (k) => ({
  stroke: PALETTE[k % PALETTE.length],
  "stroke-dasharray": DASHES[(k + Math.floor(k / PALETTE.length)) % DASHES.length],
});

function shapeRow(name, A, k, flux, best) {
  const line = svg(
    "svg",
    { viewBox: "0 0 36 10", class: "flux-key", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: 36, y1: 5, y2: 5, "stroke-width": 3, ...look(k) }),
  );
  const value = element("td", {}, `${flux.toFixed(3)} bits`);
  if (flux === best) value.append(element("strong", {}, " best"));
  return element(
    "tr",
    {},
    element("td", {}, line),
    element("th", { scope: "row" }, name),
    element("td", {}, matrixPicture(A)),
    value,
  );
}

function matrixPicture(A) {
  const n = A.length;
  const cells = A.flatMap((row, i) =>
    row.map((value, j) =>
      svg("rect", {
        x: j,
        y: i,
        width: 1,
        height: 1,
        fill: weightColours(value, 1).ground,
        stroke: "#888",
        "stroke-width": 0.05,
      }),
    ),
  );
  return svg(
    "svg",
    { viewBox: `-0.1 -0.1 ${n + 0.2} ${n + 0.2}`, class: "flux-matrix", "aria-hidden": "true" },
    ...cells,
  );
}

function drawChart(chart, n, w, curves, fluxes) {
  const x = (strength) =>
    LEFT + ((WIDTH - LEFT - 12) * Math.log(strength / GRID[0])) / Math.log(50);
  const y = (flux) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - 10) * flux) / n;
  const tick = (strength) =>
    svg("text", { x: x(strength), y: HEIGHT - BOTTOM + 14 }, String(strength));
  const level = (flux) => [
    svg("line", { x1: LEFT, x2: WIDTH - 12, y1: y(flux), y2: y(flux), class: "flux-grid" }),
    svg("text", { x: LEFT - 14, y: y(flux) }, String(flux)),
  ];
  const lines = curves.map((values, k) =>
    svg("polyline", {
      points: values.map((flux, m) => `${x(GRID[m])},${y(flux)}`).join(" "),
      fill: "none",
      "stroke-width": 2.5,
      ...look(k),
    }),
  );
  const dots = fluxes.map((flux, k) =>
    svg("circle", { cx: x(w), cy: y(flux), r: 4, fill: PALETTE[k % PALETTE.length] }),
  );
  chart.replaceChildren(
    ...Array.from({ length: n + 1 }, (_, flux) => level(flux)).flat(),
    ...[0.2, 0.5, 1, 2, 5, 10].map(tick),
    svg("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 8 }, "strength w"),
    svg(
      "text",
      { x: 0, y: 0, transform: `translate(10 ${(HEIGHT - BOTTOM) / 2}) rotate(-90)` },
      "flux I (bits)",
    ),
    svg("line", { x1: x(w), x2: x(w), y1: 10, y2: HEIGHT - BOTTOM, class: "flux-now" }),
    ...lines,
    ...dots,
  );
}

export default { render };
