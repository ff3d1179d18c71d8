// A network of up to 100 neurons as it runs.

const STEPS = 240; // shown
const KEPT = 500; // of which the correlation is taken

function render({ model, el }) {
  const parameters = ["n", "width", "density", "balance", "noise"];
  const ranges = {
    n: { label: "neurons", min: 2, max: 100, step: 1 },
    width: { label: "width", min: 0, max: 5, step: 0.01 },
    density: { label: "density", min: 0, max: 1, step: 0.01 },
    balance: { label: "balance", min: -1, max: 1, step: 0.01, format: (value) => signed(value, 2) },
    noise: { label: "noise", min: 0.1, max: 5, step: 0.05 },
  };
  const play = playButton((playing) => playing && requestAnimationFrame(tick));
  const redrawn = button("new weights", () => draw({ seed: model.get("seed") + 1 }));
  const sliders = Object.fromEntries(
    parameters.map((name) => [
      name,
      slider({
        format: (value) => value.toFixed(name === "n" ? 0 : 2),
        ...ranges[name],
        onInput: (value) => draw({ [name]: value }),
      }),
    ]),
  );
  const canvas = element("canvas", { width: STEPS, role: "img", style: "height: 260px" });
  const measured = element("p", { role: "status" });
  frame(
    el,
    "Running network",
    element(
      "div",
      { class: "flux-column" },
      element("div", { class: "flux-row" }, play.node, redrawn),
      ...parameters.map((name) => sliders[name].node),
    ),
    element(
      "div",
      { class: "flux-column", style: "flex-grow: 2" },
      canvas,
      element(
        "p",
        { class: "flux-hint" },
        `The last ${STEPS} steps, time to the right; a row is a neuron, dark is +1.`,
      ),
      measured,
    ),
  );

  const random = randomNumbers(model.get("seed"));
  let [trace, weights, bias] = [[], [], []];
  const step = () => {
    const last = trace[trace.length - 1] ?? weights.map(() => (random() < 0.5 ? 1 : -1));
    trace.push(nextState(weights, bias, last, random));
    if (trace.length > KEPT) trace.shift();
  };
  const show = () => {
    drawRaster(canvas, trace.slice(-STEPS));
    const c = rmsCorrelation(trace).toFixed(3);
    measured.textContent = `root-mean-square correlation of successive states: ${c} (last ${trace.length} steps)`;
    canvas.setAttribute("aria-label", `raster of ${weights.length} neurons`);
  };
  let frames = 0;
  const tick = () => {
    if (!play.playing() || !el.isConnected) return;
    step();
    if (frames++ % 2 === 0) show();
    requestAnimationFrame(tick);
  };
  const begin = () => {
    const W = model.get("W");
    weights = scaled(W, 1 / model.get("noise"));
    bias = noBias(W);
    const last = trace[trace.length - 1];
    trace = last?.length === W.length ? [last] : [];
    // a network at rest is shown as if it had run all the time
    while (trace.length < (play.playing() ? 2 : KEPT)) step();
    for (const name of parameters) sliders[name].set(model.get(name));
    show();
  };
  const draw = (values) => {
    const now = Object.fromEntries([...parameters, "seed"].map((name) => [name, model.get(name)]));
    const wanted = { ...now, ...values };
    change({ ...values, W: gaussianWeights(wanted.n, wanted) });
  };
  const { change, disconnect } = connect(model, ["W", "noise"], begin);
  if (model.get("W").length === 0) draw({});
  else begin();
  return () => {
    play.set(false);
    disconnect();
  };
}

function drawRaster(canvas, trace) {
  const n = trace[0].length;
  canvas.height = n;
  const pixels = new ImageData(STEPS, n);
  pixels.data.fill(255);
  trace.forEach((x, t) => {
    x.forEach((spin, i) => {
      pixels.data.set(spinColour(spin), 4 * (i * STEPS + t));
    });
  });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

export default { render };
