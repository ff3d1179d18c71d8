// All states of a network of up to six neurons without noise; any of them can be followed.

const PAUSE = 450; // milliseconds between two steps
const DOT = 0.15; // radius of a state; the rings are 1 apart

function render({ model, el }) {
  const start = slider({
    label: "start state",
    min: 0,
    max: 1,
    step: 1,
    onInput: (code) => change({ state: code }),
  });
  const play = playButton((playing) => playing && advance());
  let seed = 0;
  const drawNew = (make) => () => {
    const W = make(model.get("W").length, ++seed);
    change({ W, b: noBias(W), state: 0 });
  };
  const normal = (n, number) =>
    gaussianWeights(n, { width: 1, density: 1, balance: 0, seed: number });
  const controls = element(
    "div",
    { class: "flux-row" },
    button("Step", () => step()),
    play.node,
    button("random weights", drawNew(normal)),
    button(
      "symmetric",
      drawNew((n, number) => symmetric(normal(n, number))),
    ),
    button(
      "N-rooks",
      drawNew((n, number) => nrooks(n, 1, number)),
    ),
  );
  const picture = svg("svg", { role: "group", "aria-label": "states and their successors" });
  const told = element("p", { class: "flux-told", role: "status" });
  const spins = svg("svg", { class: "flux-spins", role: "img" });
  frame(
    el,
    "Attractor explorer",
    element("div", { class: "flux-column", style: "flex-grow: 2" }, picture),
    element(
      "div",
      { class: "flux-column" },
      start.node,
      controls,
      told,
      spins,
      element(
        "p",
        { class: "flux-hint" },
        "Click a state to let it fall. In the strip a row is a neuron, dark is +1, time goes to the right.",
      ),
    ),
  );

  let [following, traced, places, path] = [[], [], [], []];
  let timer = null;
  const rebuild = () => {
    const [W, b] = [model.get("W"), model.get("b")];
    if (b.length !== W.length) return; // a change of size arrives in two parts
    following = successors(W, b);
    traced = traceStates(following);
    places = placeStates(following);
    start.node.querySelector("input").max = following.length - 1;
    drawMap(picture, following, traced, places, W.length, (code) => {
      change({ state: code });
      begin();
      play.set(true);
    });
    begin();
  };
  const begin = () => {
    play.set(false);
    path = [Math.min(model.get("state"), following.length - 1)];
    start.set(path[0]);
    show();
  };
  const show = () => {
    const n = model.get("W").length;
    const { transient, period } = traced[path[0]];
    showPath(picture, path);
    told.textContent = `state ${path[0]} (${spinText(path[0], n)}) reaches its cycle in ${transient} ${transient === 1 ? "step" : "steps"}; the cycle has period ${period}`;
    drawSpins(spins, path, n);
  };
  const step = () => {
    path.push(following[path[path.length - 1]]);
    show();
  };
  const advance = () => {
    const { transient, period } = traced[path[0]];
    if (path.length > transient + period) path = [path[0]];
    clearTimeout(timer);
    const next = () => {
      if (!play.playing() || !el.isConnected) return;
      step();
      if (path.length > transient + period) play.set(false);
      else timer = setTimeout(next, PAUSE);
    };
    next();
  };
  const map = connect(model, ["W", "b"], rebuild);
  const state = connect(model, ["state"], begin);
  const { change } = map;
  rebuild();
  return () => {
    play.set(false);
    map.disconnect();
    state.disconnect();
  };
}

const symmetric = (W) => W.map((row, i) => row.map((weight, j) => (weight + W[j][i]) / 2));

function drawMap(picture, following, traced, places, n, choose) {
  const [xs, ys] = [places.map(([x]) => x), places.map(([, y]) => -y)];
  const [left, top] = [Math.min(...xs) - 1, Math.min(...ys) - 1];
  const extent = [Math.max(...xs) + 1 - left, Math.max(...ys) + 1 - top];
  picture.setAttribute("viewBox", `${left} ${top} ${extent.join(" ")}`);
  const basins = [...new Set(traced.map(({ attractor }) => attractor))];
  const size = (home) => traced.filter(({ attractor }) => attractor === home).length;
  basins.sort((a, b) => size(b) - size(a));
  const colour = (k) => PALETTE[basins.indexOf(traced[k].attractor) % PALETTE.length];
  const lines = following.map((next, k) =>
    svg("line", {
      x1: xs[k],
      y1: ys[k],
      x2: xs[next],
      y2: ys[next],
      class: "flux-step",
      "stroke-width": (traced[k].transient ? 0.2 : 0.5) * DOT,
    }),
  );
  const dots = following.map((_, k) =>
    svg(
      "circle",
      {
        cx: xs[k],
        cy: ys[k],
        r: (traced[k].transient ? 1 : 1.5) * DOT,
        fill: colour(k),
        class: "flux-dot",
        "stroke-width": (traced[k].transient ? 0 : 0.35) * DOT,
        onclick: () => choose(k),
      },
      svg("title", {}, `${k} (${spinText(k, n)})`),
    ),
  );
  const now = svg("circle", { r: 2.6 * DOT, class: "flux-token", "stroke-width": 0.8 * DOT });
  picture.replaceChildren(...lines, ...dots, now);
}

function showPath(picture, path) {
  const lines = picture.querySelectorAll(".flux-step");
  lines.forEach((line, k) => {
    line.classList.toggle("flux-chosen", path.slice(0, -1).includes(k));
  });
  const here = picture.querySelectorAll(".flux-dot")[path[path.length - 1]];
  const token = picture.querySelector(".flux-token");
  for (const name of ["cx", "cy"]) token.setAttribute(name, here.getAttribute(name));
}

function drawSpins(picture, path, n) {
  const shown = path.slice(-32);
  picture.setAttribute("viewBox", `0 0 32 ${n}`);
  picture.setAttribute("aria-label", `spins of the last ${shown.length} states of the path`);
  picture.replaceChildren(
    ...shown.flatMap((code, t) =>
      decode(code, n).map((spin, i) =>
        svg("rect", {
          x: t,
          y: i,
          width: 0.92,
          height: 0.92,
          fill: `rgb(${spinColour(spin).join(",")})`,
        }),
      ),
    ),
  );
}

export default { render };
