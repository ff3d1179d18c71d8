// Controls and pictures that the widgets share.

const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];

function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function button(text, onclick) {
  return element("button", { type: "button", onclick }, text);
}

// an on-off switch whose text says what a press will do
function playButton(onToggle) {
  let playing = false;
  const node = button("Play", () => set(!playing));
  const set = (value) => {
    if (value === playing) return;
    playing = value;
    node.textContent = playing ? "Pause" : "Play";
    onToggle(playing);
  };
  return { node, set, playing: () => playing };
}

// a range with its name and its value; set() changes it from outside
function slider({ label, min, max, step, format = String, onInput }) {
  const input = element("input", { type: "range", min, max, step });
  const output = element("output");
  const show = () => {
    output.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    show();
    onInput(Number(input.value));
  });
  const set = (value) => {
    input.value = value;
    show();
  };
  return {
    node: element("label", { class: "flux-slider" }, element("span", {}, label), input, output),
    set,
  };
}

function choice({ label, options, onInput }) {
  const select = element(
    "select",
    {},
    ...options.map((option) => element("option", { value: option }, option)),
  );
  select.addEventListener("change", () => onInput(select.value));
  const set = (value) => {
    select.value = value;
  };
  return {
    node: element("label", { class: "flux-choice" }, element("span", {}, label), select),
    set,
  };
}

// red excites, blue inhibits, white is nothing, as in the figures
function weightColours(value, limit) {
  const share = Math.min(1, Math.abs(value) / limit) ** 0.6;
  const full = value > 0 ? [178, 24, 43] : [33, 102, 172];
  const mixed = full.map((part) => Math.round(255 + share * (part - 255)));
  return { ground: `rgb(${mixed.join(",")})`, ink: share > 0.62 ? "#fff" : "#000" };
}

const [DARK, LIGHT] = [
  [8, 72, 142],
  [228, 239, 249],
];
const spinColour = (spin) => (spin > 0 ? DARK : LIGHT);

const signed = (value, digits = 1) => value.toFixed(digits).replace("-", "\u2212");

const spinText = (code, n) =>
  decode(code, n)
    .map((spin) => (spin > 0 ? "+" : "\u2212"))
    .join("");

// a matrix, and a column of biases if there are any, whose cells are dragged sideways or moved by
// arrow keys; double click or Delete sets a cell to 0
function weightEditor({ limit, step = 0.1, onChange }) {
  const table = element("table", { class: "flux-weights" });
  let [W, b] = [[], null];

  const makeCell = (name, read, write) => {
    const cell = element("div", {
      role: "slider",
      tabindex: 0,
      "aria-label": name,
      "aria-valuemin": -limit,
      "aria-valuemax": limit,
    });
    const show = () => {
      const { ground, ink } = weightColours(read(), limit);
      cell.textContent = signed(read());
      cell.setAttribute("aria-valuenow", read());
      cell.setAttribute("style", `background: ${ground}; color: ${ink}`);
    };
    const change = (value) => {
      const rounded = Math.round(value / step) * step;
      write(Number(Math.min(limit, Math.max(-limit, rounded)).toFixed(6)));
      show();
      onChange();
    };
    const steps = {
      ArrowRight: 1,
      ArrowUp: 1,
      ArrowLeft: -1,
      ArrowDown: -1,
      PageUp: 10,
      PageDown: -10,
    };
    const jumps = { Home: -limit, End: limit, Delete: 0, Backspace: 0 };
    cell.addEventListener("keydown", (event) => {
      if (event.key in steps) change(read() + steps[event.key] * step);
      else if (event.key in jumps) change(jumps[event.key]);
      else return;
      event.preventDefault();
      // a notebook has keys of its own
      event.stopPropagation();
    });
    let start = null;
    cell.addEventListener("pointerdown", (event) => {
      cell.setPointerCapture(event.pointerId);
      start = { x: event.clientX, value: read() };
    });
    cell.addEventListener("pointermove", (event) => {
      if (start) change(start.value + ((event.clientX - start.x) * limit) / 100);
    });
    for (const end of ["pointerup", "pointercancel"])
      cell.addEventListener(end, () => (start = null));
    cell.addEventListener("dblclick", () => change(0));
    show();
    return element("td", {}, cell);
  };

  const rebuild = () => {
    const head = element(
      "tr",
      {},
      element("td"),
      ...W.map((_, j) => element("th", { scope: "col" }, `from ${j}`)),
    );
    if (b) head.append(element("th", { scope: "col" }, "bias"));
    const rows = W.map((row, i) => {
      const cells = row.map((_, j) =>
        makeCell(
          `weight from neuron ${j} to neuron ${i}`,
          () => row[j],
          (value) => (row[j] = value),
        ),
      );
      if (b)
        cells.push(
          makeCell(
            `bias of neuron ${i}`,
            () => b[i],
            (value) => (b[i] = value),
          ),
        );
      return element("tr", {}, element("th", { scope: "row" }, `to ${i}`), ...cells);
    });
    table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  };

  return {
    node: element("div", { class: "flux-scroll" }, table),
    value: () => ({ W: W.map((row) => [...row]), b: b && [...b] }),
    set: (newW, newB = null) => {
      W = newW.map((row) => [...row]);
      b = newB && [...newB];
      rebuild();
    },
  };
}

// horizontal bars from 0 to a common limit, each with its name, symbol and value
function valueBars(names, format) {
  const bars = names.map(([name, symbol, colour]) => {
    const fill = element("span", { style: `background: ${colour}` });
    const value = element("output");
    const node = element(
      "div",
      { class: "flux-bar" },
      element("span", {}, `${name} `, element("i", {}, symbol)),
      element("span", { class: "flux-track" }, fill),
      value,
    );
    return { fill, value, node };
  });
  return {
    node: element("div", { class: "flux-bars" }, ...bars.map(({ node }) => node)),
    set: (values, limit) =>
      values.forEach((value, k) => {
        bars[k].fill.style.width = `${(100 * Math.max(0, value)) / limit}%`;
        bars[k].value.textContent = format(value, limit);
      }),
  };
}

// the frame of a widget: a named group of controls and pictures
function frame(el, name, ...children) {
  el.replaceChildren(
    element("div", { class: "flux-widget", role: "group", "aria-label": name }, ...children),
  );
}

// keeps a view up to date with its model, and tells how to change several traits at once
function connect(model, names, redraw) {
  const events = names.map((name) => `change:${name}`).join(" ");
  model.on(events, redraw);
  const change = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  };
  return { change, disconnect: () => model.off(events, redraw) };
}
