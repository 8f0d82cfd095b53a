// What stands in front of everything: a modal of the app, and a question before a button acts.

import { blocks, text } from "./blocks.js";
import { byId, el } from "./dom.js";

// Asks a confirmation dialog's question (Slack, "Confirmation dialog object"). True if the person goes on.
export function ask(question, names) {
  const dialog = byId("confirm");
  dialog.returnValue = "";
  dialog.replaceChildren(
    el(
      "form",
      { method: "dialog" },
      el("h2", { id: "confirm-title" }, question.title.text),
      el("div", { class: "body" }, el("div", {}, text(question.text, { names }))),
      el(
        "div",
        { class: "foot" },
        el("button", { class: "button", value: "" }, question.deny?.text ?? "Cancel"),
        el("button", { class: `button ${question.style ?? "primary"}`, value: "yes" }, question.confirm?.text ?? "Yes"),
      ),
    ),
  );
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// The app's modal. `shown` is { view, errors, waiting } or null; `on` has submit(values) and close().
export class Modal {
  #dialog = byId("modal");
  #version = "";
  #view = "";
  #fields = new Map();

  constructor(on) {
    this.on = on;
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // it closes when the server says so
      this.on.close();
    });
  }

  show(shown, context) {
    if (!shown) {
      this.#version = this.#view = "";
      this.#dialog.close();
      return;
    }
    const version = `${shown.view.id} ${shown.view.hash}`;
    const drawn = version !== this.#version;
    if (drawn) this.#draw(shown.view, context); // else what was typed stays
    this.#version = version;
    this.#view = shown.view.id;
    if (!this.#dialog.open) this.#dialog.showModal();
    if (drawn) focusField([...this.#fields.values()][0]);
    this.#tell(shown);
  }

  #draw(view, context) {
    const before = this.#view === view.id ? this.#fields : new Map();
    this.#fields = new Map();
    const body = blocks(view.blocks, { ...context, fields: this.#fields });
    const close = (attributes, label) => el("button", { type: "button", onclick: () => this.on.close(), ...attributes }, label);
    this.#dialog.replaceChildren(
      el(
        "form",
        { novalidate: true, onsubmit: (event) => this.#submit(event) },
        el(
          "header",
          {},
          el("h2", { id: "modal-title" }, view.title.text),
          close({ class: "quiet", "aria-label": "Close the form" }, "✕"),
        ),
        el("div", { class: "body" }, body, el("p", { class: "wrong", role: "alert", id: "modal-wrong", hidden: true })),
        el(
          "div",
          { class: "foot" },
          close({ class: "button" }, view.close?.text ?? "Cancel"),
          view.submit ? el("button", { type: "submit", class: "button primary" }, view.submit.text) : null,
        ),
      ),
    );
    this.#keep(before);
  }

  // What was entered stays where the same input is there again (Slack, "Preserving input entry").
  #keep(before) {
    for (const [block, field] of this.#fields) {
      if (before.get(block)?.kind === field.kind) field.write(before.get(block).read());
    }
  }

  #submit(event) {
    event.preventDefault();
    const values = [...this.#fields].map(([block, field]) => [block, field.read()]);
    const empty = values.filter(([block, value]) => !value.length && !this.#fields.get(block).optional);
    this.#tell({ errors: Object.fromEntries(empty.map(([block]) => [block, "This is needed."])), waiting: false });
    if (!empty.length) this.on.submit(Object.fromEntries(values));
  }

  #tell({ errors, waiting }) {
    for (const [block, field] of this.#fields) {
      field.wrong.textContent = errors[block] ?? "";
      field.wrong.hidden = !errors[block];
      if (errors[block]) field.node.setAttribute("aria-invalid", "true");
      else field.node.removeAttribute("aria-invalid");
    }
    this.problem(errors[""]);
    const submit = this.#dialog.querySelector("[type=submit]");
    if (submit) submit.disabled = waiting;
    const first = [...this.#fields].find(([block]) => errors[block]);
    if (first) focusField(first[1]);
  }

  problem(said) {
    const wrong = byId("modal-wrong");
    if (!wrong) return;
    wrong.textContent = said ?? "";
    wrong.hidden = !said;
  }
}

function focusField(field) {
  (field?.node.matches("fieldset") ? field.node.querySelector("input") : field?.node)?.focus();
}
