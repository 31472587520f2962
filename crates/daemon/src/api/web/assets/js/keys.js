// Keys, and the help that names them.

import { button, el } from "./dom.js";

const FIELDS = "input:not([type=checkbox]), textarea, select, [contenteditable]";

/// Listens to a table of `{keys: ["j", "ArrowDown"], words, run, shown}`. `?` shows it.
export function listen(table) {
  const help = dialog(table);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
      return;
    }
    if (document.querySelector("dialog[open]") || event.target.closest(FIELDS)) {
      return;
    }
    // Enter and the space bar press the button that has the focus.
    if ((event.key === "Enter" || event.key === " ") && event.target.closest("button, a, input, summary")) {
      return;
    }
    if (event.key === "?") {
      event.preventDefault();
      help.showModal();
      return;
    }
    const entry = table.find(({ keys }) => keys.includes(event.key));
    if (entry && entry.run(event) !== false) {
      event.preventDefault();
    }
  });
  return { showHelp: () => help.showModal() };
}

const NAMES = { " ": "Space", ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" };

function dialog(table) {
  const rows = [...table, { keys: ["?"], words: "This help" }].map(({ keys, shown, words }) =>
    el("div", {}, el("dt", {}, ...(shown ?? keys).map((key) => el("kbd", {}, NAMES[key] ?? key))), el("dd", {}, words)),
  );
  const node = el(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    el("h2", { id: "help-title" }, "Keyboard"),
    el("dl", {}, ...rows),
    el("p", { class: "choice" }, button("Close", () => node.close(), { autofocus: true })),
  );
  document.body.append(node);
  return node;
}
