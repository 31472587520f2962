// Elements, made of text only: whatever a program wrote or is called can never become markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) {
      continue;
    }
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) {
        node.addEventListener(event, listener);
      }
    } else if (name === "data") {
      Object.assign(node.dataset, value);
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

/// An element with attributes, `on: {event: listener}` and `data: {name: value}`; children are nodes or text.
export function el(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/// The same of SVG.
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/// Sets the text of a node where it differs, so that nothing is laid out for nothing.
export function setText(node, text) {
  const only = node.firstChild;
  if (only instanceof Text && only === node.lastChild) {
    if (only.data !== text) {
      only.data = text;
    }
  } else if (node.textContent !== text) {
    node.textContent = text;
  }
}

/// Sets or removes (null) an attribute where it differs.
export function setAttr(node, name, value) {
  if (value === null) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== value) {
    node.setAttribute(name, value);
  }
}

/// A button.
export function button(words, run, props) {
  return el("button", { type: "button", ...props, on: { click: run } }, words);
}

// Signs of 16 by 16, drawn with the colour of the text beside them.
const SIGNS = {
  RUNNING: ["path", { d: "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 0 1 0-11z", fill: "currentColor" }],
  STARTING: ["path", { d: "M8 2.5a5.5 5.5 0 0 1 0 11zM8 3.25a4.75 4.75 0 0 0 0 9.5", fill: "currentColor" }],
  STOPPING: ["path", { d: "M2.5 8a5.5 5.5 0 0 0 11 0zM3.25 8a4.75 4.75 0 0 1 9.5 0", fill: "currentColor" }],
  BACKOFF: ["path", { d: "M8 2l6.5 11.5h-13zM8 6.2v3.6M8 11v1.4" }],
  FATAL: ["path", { d: "M3.2 3.2l9.6 9.6M12.8 3.2l-9.6 9.6", "stroke-width": "2.4" }],
  STOPPED: ["path", { d: "M3.5 3.5h9v9h-9z" }],
  EXITED: ["path", { d: "M8 3a5 5 0 1 1 0 10a5 5 0 0 1 0-10z" }],
  UNKNOWN: ["path", { d: "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.8-1.1 1.6M8 12v1.2" }],
  start: ["path", { d: "M5 3.2v9.6l7.5-4.8z", fill: "currentColor" }],
  stop: ["path", { d: "M4 4h8v8h-8z", fill: "currentColor" }],
  restart: ["path", { d: "M12.6 6.2a5 5 0 1 0 .3 3M13 2.6v3.8h-3.8" }],
  clearlog: ["path", { d: "M3 4.5h10M6.5 4.5v-1.7h3v1.7M4.5 4.5l.7 8.7h5.6l.7-8.7" }],
  log: ["path", { d: "M3 4h10M3 7h10M3 10h10M3 13h6" }],
  fold: ["path", { d: "M4 6l4 4l4-4" }],
  close: ["path", { d: "M4 4l8 8M12 4l-8 8" }],
  search: ["path", { d: "M7 2.8a4.2 4.2 0 1 1 0 8.4a4.2 4.2 0 0 1 0-8.4zM10 10l3.5 3.5" }],
};

/// One of each that was needed; copies are quicker than the first.
const made = new Map();

/// A sign: of a state or an action by its name; it says nothing to those who cannot see it; words stand beside it.
export function sign(name) {
  if (!made.has(name)) {
    made.set(name, draw(SIGNS[name] ?? SIGNS.UNKNOWN));
  }
  return made.get(name).cloneNode(true);
}

function draw([tag, props]) {
  return svg(
    "svg",
    { class: "sign", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
    svg(tag, { fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linejoin": "round", "stroke-linecap": "round", ...props }),
  );
}
