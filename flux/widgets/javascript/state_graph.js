// All states of a network of up to four neurons, and the probabilities of every step.

const SIZE = 380;
const SHOWN = 0.02;

function render({ model, el }) {
  const limit = model.get("limit");
  const editor = weightEditor({ limit, onChange: () => change(editor.value()) });
  const neurons = choice({
    label: "neurons",
    options: [2, 3, 4],
    onInput: (n) => change(resized(model.get("W"), model.get("b"), Number(n))),
  });
  const bars = valueBars(
    [
      ["entropy", "H", PALETTE[0]],
      ["divergence", "D", PALETTE[1]],
      ["flux", "I", PALETTE[2]],
    ],
    (value, limit) => `${value.toFixed(3)} of ${limit} bits`,
  );
  const picture = svg("svg", {
    viewBox: `0 0 ${SIZE} ${SIZE}`,
    role: "group",
    "aria-label": "state graph",
  });
  const told = element("p", { class: "flux-told", role: "status" });
  let presets = 0;

  const setStates = (W) => change({ W, b: noBias(W) });
  const presetButtons = [
    button("N-rooks", () => setStates(nrooks(model.get("W").length, 4, ++presets))),
    button("random", () =>
      setStates(
        rounded(
          gaussianWeights(model.get("W").length, {
            width: 2,
            density: 1,
            balance: 0,
            seed: ++presets,
          }),
        ),
      ),
    ),
    button("no weights", () => setStates(scaled(model.get("W"), 0))),
  ];

  frame(
    el,
    "Small network and its state graph",
    element(
      "div",
      { class: "flux-column" },
      element("div", { class: "flux-row" }, neurons.node, ...presetButtons),
      editor.node,
      element("p", { class: "flux-hint" }, "Drag a cell sideways, or use the arrow keys."),
      bars.node,
    ),
    element("div", { class: "flux-column" }, picture, told),
  );

  const redraw = () => {
    const [W, b] = [model.get("W"), model.get("b")];
    if (b.length !== W.length) return; // a change of size arrives in two parts
    neurons.set(W.length);
    const shown = editor.value();
    if (JSON.stringify([shown.W, shown.b]) !== JSON.stringify([W, b])) editor.set(W, b);
    const { I, H, D } = exactFlux(W, b);
    bars.set([H, D, I], W.length);
    drawStates(picture, W.length, transitionMatrix(W, b), told);
  };
  const { change, disconnect } = connect(model, ["W", "b"], redraw);
  redraw();
  return disconnect;
}

// W with neurons added, which hear and tell nothing, or taken away
function resized(W, b, n) {
  const at = (values, i, otherwise) => (i < values.length ? values[i] : otherwise);
  const every = Array.from({ length: n }, (_, i) => i);
  return {
    W: every.map((i) => every.map((j) => at(at(W, i, []), j, 0))),
    b: every.map((i) => at(b, i, 0)),
  };
}

const rounded = (W) => W.map((row) => row.map((weight) => Number(weight.toFixed(1))));

// states on a circle, in an order in which neighbours differ in one neuron
function drawStates(picture, n, P, told) {
  const pi = stationaryLaw(P);
  const centre = SIZE / 2;
  const places = [];
  pi.forEach((_, step) => {
    const angle = (2 * Math.PI * step) / pi.length - Math.PI / 2;
    places[step ^ (step >> 1)] = {
      angle,
      x: centre + 128 * Math.cos(angle),
      y: centre + 128 * Math.sin(angle),
    };
  });
  const radius = (k) => 3 + 22 * Math.sqrt(pi[k] / Math.max(4 / pi.length, ...pi));
  const arrows = [...P].flatMap((row, k) =>
    [...row]
      .map((p, l) => ({ k, l, p }))
      .filter(({ p }) => p >= SHOWN)
      .map((step) => drawArrow(places, radius, step)),
  );
  const tell = (k) => {
    for (const arrow of picture.querySelectorAll(".flux-arrow")) {
      arrow.classList.toggle("flux-chosen", Number(arrow.dataset.from) === k);
    }
    const next = [...P[k]]
      .map((p, l) => ({ p, l }))
      .sort((a, b) => b.p - a.p)
      .slice(0, 3);
    told.textContent =
      `state ${spinText(k, n)}: ${percent(pi[k])} of the time; then ` +
      next.map(({ p, l }) => `${spinText(l, n)} with ${percent(p)}`).join(", ");
  };
  const nodes = places.map(({ x, y, angle }, k) =>
    svg(
      "g",
      {
        class: "flux-state",
        tabindex: 0,
        role: "button",
        "aria-label": `state ${spinText(k, n)}`,
        onfocus: () => tell(k),
        onpointerenter: () => tell(k),
        onclick: () => tell(k),
      },
      svg("circle", { cx: x, cy: y, r: radius(k) }),
      svg(
        "text",
        { x: centre + 168 * Math.cos(angle), y: centre + 168 * Math.sin(angle) },
        spinText(k, n),
      ),
    ),
  );
  const focused = [...picture.querySelectorAll(".flux-state")].indexOf(document.activeElement);
  picture.replaceChildren(...arrows, ...nodes);
  if (focused >= 0) nodes[focused]?.focus();
  told.textContent =
    "Point at a state for its probabilities. Arrows of less than 2 % are left out.";
}

const percent = (p) => `${(100 * p).toFixed(1)} %`;

function drawArrow(places, radius, { k, l, p }) {
  const [from, to] = [places[k], places[l]];
  const attributes = {
    class: "flux-arrow",
    "data-from": k,
    "stroke-width": 0.5 + 3.5 * p,
    "stroke-opacity": 0.15 + 0.75 * p,
  };
  if (k === l) {
    const out = radius(k) + 7;
    const [cx, cy] = [from.x - out * Math.cos(from.angle), from.y - out * Math.sin(from.angle)];
    return svg("circle", { ...attributes, cx, cy, r: 8 });
  }
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy);
  const [ux, uy] = [dx / length, dy / length];
  // bent to the left of its way, so that an arrow and its opposite stay apart
  const bend = 0.12 * length + 6;
  const [mx, my] = [from.x + dx / 2 + bend * uy, from.y + dy / 2 - bend * ux];
  const near = Math.hypot(to.x - mx, to.y - my);
  const [vx, vy] = [(to.x - mx) / near, (to.y - my) / near];
  const head = 4 + 5 * p;
  const [tipX, tipY] = [to.x - (radius(l) + 1) * vx, to.y - (radius(l) + 1) * vy];
  const wing = (side) =>
    `${tipX - head * (vx + side * 0.5 * vy)},${tipY - head * (vy - side * 0.5 * vx)}`;
  const path = `M${from.x},${from.y} Q${mx},${my} ${tipX},${tipY} M${wing(1)} L${tipX},${tipY} L${wing(-1)}`;
  return svg("path", { ...attributes, d: path, fill: "none" });
}

export default { render };
