// What all pages share: the state of the connection, what is said about actions, questions before dangerous ones.

import { get } from "./api.js";
import { button, el, setText, sign } from "./dom.js";

/// How long a good message stays.
const STAY = 6000;

/// Messages at once; the oldest go first.
const MESSAGES = 4;

const toasts = el("div", { class: "toasts", role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": "Messages" });

/// Says that something was done; it goes by itself. The node of the message.
export function say(text) {
  const node = message("note", text);
  setTimeout(() => node.remove(), STAY);
  return node;
}

/// Says that something went wrong; it stays until somebody has read it. `details` are more lines.
export function complain(text, details = []) {
  return message("bad", text, details);
}

function message(tone, text, details = []) {
  const close = button(sign("close"), () => node.remove(), { class: "bare", "aria-label": "Dismiss" });
  const list = details.length > 0 && el("ul", {}, ...details.map((line) => el("li", {}, line)));
  const words = el("div", {}, el("strong", {}, tone === "bad" ? "Failed: " : ""), text, list);
  const node = el("div", { class: `toast ${tone}`, role: tone === "bad" ? "alert" : null }, words, close);
  toasts.append(node);
  while (toasts.children.length > MESSAGES) {
    toasts.firstChild.remove();
  }
  return node;
}

/// Asks before something dangerous. Answers true or false.
export function confirm({ title, text, details = [], yes, danger = false }) {
  return new Promise((answer) => {
    const accept = button(yes, () => node.close("yes"), { class: danger ? "danger main" : "main", autofocus: true });
    const node = el(
      "dialog",
      { class: "ask", "aria-labelledby": "ask-title" },
      el("h2", { id: "ask-title" }, title),
      el("p", {}, text),
      details.length > 0 && el("ul", { class: "names" }, ...details.map((line) => el("li", {}, line))),
      el("p", { class: "choice" }, accept, button("Cancel", () => node.close("no"))),
    );
    node.addEventListener("close", () => {
      node.remove();
      answer(node.returnValue === "yes");
    });
    document.body.append(node);
    node.showModal();
  });
}

const LINKS = {
  connecting: "Connecting",
  live: "Live",
  stalled: "supervisord hangs",
  lost: "Connection lost, trying again",
  still: "Not following",
};

/// Shows the state of a store's connection, and which supervisord this is.
export function frame(store) {
  document.body.append(toasts);
  const place = document.getElementById("link");
  const words = el("span");
  place.replaceChildren(el("span", { class: "dot", "aria-hidden": "true" }), words);
  const show = () => {
    const why = store.trouble ? `: ${store.trouble.message}` : "";
    place.dataset.link = store.link;
    document.body.classList.toggle("stale", ["lost", "stalled"].includes(store.link));
    setText(words, LINKS[store.link] + why);
  };
  let named = false;
  const hear = () => {
    show();
    if (store.link === "live" && !named) {
      // Nothing waits for it.
      named = true;
      name();
    }
  };
  store.on("link", hear);
  hear();
}

/// Several supervisords may be open side by side.
async function name() {
  try {
    const { identifier } = await get("daemon");
    const brand = document.querySelector(".brand");
    if (identifier && identifier !== "supervisor") {
      brand.append(el("span", { class: "identifier" }, identifier));
      document.title = `${identifier} – ${document.title}`;
    }
  } catch {
    // The page is of use without it.
  }
}
