// The widgets of a page, without a kernel: each is a module of its own, stored in the page together
// with its values, and draws itself into an element by way of a model (https://anywidget.dev). In
// JupyterLab the model is the kernel's; here it keeps the values, and tells who wants to know.
{
  const newModel = (values) => {
    const listeners = new Map(); // from an event to those who wait for it
    const of = (event) => listeners.get(event) ?? listeners.set(event, new Set()).get(event);
    return {
      get: (name) => values[name],
      set(name, value) {
        if (values[name] === value) return;
        values[name] = value;
        for (const listener of of(`change:${name}`)) listener();
      },
      save_changes() {},
      on(events, listener) {
        for (const event of events.split(" ")) of(event).add(listener);
      },
      off(events, listener) {
        for (const event of events.split(" ")) of(event).delete(listener);
      },
    };
  };

  const mount = async (place, values) => {
    const el = document.createElement("div");
    el.className = "widget-subarea";
    place.after(el);
    const style = document.createElement("style");
    style.textContent = values._css;
    document.head.append(style);
    const source = URL.createObjectURL(new Blob([values._esm], { type: "text/javascript" }));
    const widget = await import(source);
    URL.revokeObjectURL(source);
    widget.default.render({ model: newModel(values), el });
  };

  addEventListener("DOMContentLoaded", () => {
    const stored = (kind) =>
      [...document.querySelectorAll(`script[type="application/vnd.jupyter.widget-${kind}+json"]`)];
    const states = Object.assign({}, ...stored("state").map((s) => JSON.parse(s.textContent).state));
    for (const place of stored("view")) {
      mount(place, states[JSON.parse(place.textContent).model_id].state);
    }
  });
}
