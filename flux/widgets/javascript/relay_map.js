// The relay scores of a trained network at every step; nodes are knocked out at one of them.

const DRAWS = 20; // sets of random nodes

function render({ model, el }) {
  const network = model.get("arrays");
  const { scores } = network;
  const n = scores[0].length;
  const few = Math.ceil(n / 4);
  const states = recordStates(network);
  const intact = accuracyWithout(network, states, [], 0);
  const limit = Math.log2(network.c.length);

  const time = slider({
    label: "step",
    min: 0,
    max: scores.length - 1,
    step: 1,
    onInput: (step) => change({ step }),
  });
  const ranked = () => {
    const now = scores[model.get("step")];
    return now.map((_, i) => i).sort((i, j) => now[j] - now[i]);
  };
  const choose = (nodes) => change({ nodes: nodes.sort((i, j) => i - j) });
  const presets = [
    button(`top ${few}`, () => choose(ranked().slice(0, few))),
    button(`bottom ${few}`, () => choose(ranked().slice(-few))),
    button("none", () => choose([])),
  ];
  const toggle = (i) => () => {
    const out = model.get("nodes");
    choose(out.includes(i) ? out.filter((node) => node !== i) : [...out, i]);
  };
  const every = Math.ceil(scores.length / 12);
  const head = element(
    "div",
    { class: "flux-node", "aria-hidden": "true" },
    ...["", ...scores.map((_, t) => (t % every ? "" : t))].map((text) =>
      element("span", {}, text),
    ),
  );
  const rows = Array.from({ length: n }, (_, i) =>
    filled(button("", toggle(i)), { class: "flux-node" }, [
      element("span", {}, i),
      ...scores.map((row) => element("span", { style: shade(row[i] / limit) })),
    ]),
  );
  const bars = valueBars(
    [
      ["no knockout", "", PALETTE[0]],
      ["chosen nodes", "", PALETTE[1]],
      ["random ones", "", PALETTE[2]],
    ],
    (share) => share.toFixed(2),
  );
  const told = element("p", { class: "flux-told", role: "status" });
  frame(
    el,
    "Relay map with knockouts",
    element(
      "div",
      { class: "flux-column" },
      time.node,
      element("div", { role: "group", "aria-label": "nodes to knock out" }, head, ...rows),
      element(
        "p",
        { class: "flux-hint" },
        `A row is a node, a column a step; dark is a relay score of ${limit === 1 ? "1 bit" : `${limit.toFixed(2)} bits`}, light 0. Click nodes, or press Enter on them, to knock them out at the marked step.`,
      ),
    ),
    element(
      "div",
      { class: "flux-column" },
      element("div", { class: "flux-row" }, ...presets),
      told,
      bars.node,
      element(
        "p",
        { class: "flux-hint" },
        `Share of right answers in ${network.y.length} sequences; random ones are as many, the mean of ${DRAWS} draws.`,
      ),
    ),
  );

  const orders = Array.from({ length: DRAWS }, (_, k) => shuffledNodes(n, k + 1));
  const redraw = () => {
    const [nodes, step] = [model.get("nodes"), model.get("step")];
    time.set(step);
    rows.forEach((row, i) => {
      const isOut = nodes.includes(i);
      row.setAttribute("aria-pressed", isOut);
      row.setAttribute("aria-label", `node ${i}, ${bits(scores[step][i])} at step ${step}`);
      [...row.children].slice(1).forEach((cell, t) => {
        cell.classList.toggle("flux-marked", t === step);
        cell.classList.toggle("flux-out", t === step && isOut);
      });
    });
    const without = (chosen) => accuracyWithout(network, states, chosen, step);
    const random = orders.map((order) => without(order.slice(0, nodes.length)));
    const mean = random.reduce((total, share) => total + share, 0) / DRAWS;
    bars.set([intact, without(nodes), mean], 1);
    told.textContent = nodes.length
      ? `Knocked out at step ${step}: ${nodes.length === 1 ? "node" : "nodes"} ${nodes.join(", ")}.`
      : "No node is knocked out.";
  };
  const { change, disconnect } = connect(model, ["nodes", "step"], redraw);
  redraw();
  return disconnect;
}

// no score is shown as -0.00
const bits = (score) => `${signed(Math.round(100 * score) / 100 + 0, 2)} bits`;

function shade(share) {
  const part = Math.min(1, Math.max(0, share));
  const mixed = LIGHT.map((light, k) => Math.round(light + part * (DARK[k] - light)));
  return `background: rgb(${mixed.join(",")}); color: ${part > 0.72 ? "#fff" : "#000"}`;
}

export default { render };
